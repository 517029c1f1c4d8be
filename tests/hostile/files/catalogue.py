"""All hostile files."""

from tests.hostile.files import bombs, damage, pictures, playlists, stills, streams, timing

CASES = [
    *playlists.CASES,
    *stills.CASES,
    *damage.CASES,
    *streams.CASES,
    *timing.CASES,
    *pictures.CASES,
    *bombs.CASES,
]
