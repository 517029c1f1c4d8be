"""Whole episodes on disk: a video, its labels, and the script that both come from."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from demo.cartoon import Cartoon
from demo.clips import ClipSpec, write_clip
from demo.labels import write_classes, write_presence
from demo.script import FIRST_STYLE, SECOND_STYLE, Script, Style
from demo.storyboard import Plot, write_storyboard

STYLES: dict[int, Style] = {1: FIRST_STYLE, 2: SECOND_STYLE}
SECONDS: dict[int, float] = {1: 90.0, 2: 60.0}
FRAME_RATE = Fraction(24)


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode's files: the video, its labels as classes and as one column a character, and the truth behind them."""

    video: Path
    labels: Path
    presence: Path
    script: Script


def write_episode(
    directory: Path, number: int, *, seconds: float | None = None, seed: int | None = None, together: bool = False
) -> Episode:
    """Draw and encode episode `number` (1 or 2) of the demo's cartoon into `directory`.

    Writes episode-N.mp4 (H.264, 640×360, 24 fps), episode-N-labels.csv and episode-N-presence.csv. Episode 1 lasts 90
    seconds unless said otherwise; 2 lasts 60 and is drawn in another style. `seed` is the number unless said
    otherwise. Without `together` one character at most is on screen at a time, so that `labels` are exclusive.
    """
    plot = Plot(
        seed=number if seed is None else seed,
        seconds=SECONDS[number] if seconds is None else seconds,
        style=STYLES[number],
        together=together,
    )
    return write_script(directory, f"episode-{number}", write_storyboard(plot))


def write_script(
    directory: Path, name: str, script: Script, *, size: tuple[int, int] = (640, 360), rate: Fraction = FRAME_RATE
) -> Episode:
    """Draw and encode any `script` as name.mp4 in `directory` (made where it is missing), with its label files."""
    directory.mkdir(parents=True, exist_ok=True)
    episode = Episode(
        directory / f"{name}.mp4", directory / f"{name}-labels.csv", directory / f"{name}-presence.csv", script
    )
    spec = ClipSpec(frame_rate=rate, gop=2 * rate.__ceil__(), options=(("preset", "ultrafast"), ("crf", "20")))
    write_clip(episode.video, spec, Cartoon(script, *size).frames(rate))
    write_classes(script, episode.labels)
    write_presence(script, episode.presence)
    return episode
