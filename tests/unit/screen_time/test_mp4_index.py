"""An MP4's claims are read before FFmpeg believes them, and good files are left alone."""

import io
import struct

import pytest

from screen_time.errors import ErrorCode, VideoError
from screen_time.mp4_index import check_index
from screen_time.video_limits import VideoLimits

LIMITS = VideoLimits(frames=1000)


def box(kind: bytes, *contents: bytes, large: bool = False) -> bytes:
    body = b"".join(contents)
    if large:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def track(samples: int, handler: bytes = b"vide", edits: int = 1) -> bytes:
    sizes = box(b"stsz", struct.pack(">III", 0, 1, samples))
    media = box(b"mdia", box(b"hdlr", bytes(8), handler), box(b"minf", box(b"stbl", sizes)))
    return box(b"trak", box(b"edts", box(b"elst", struct.pack(">II", 0, edits))), media)


def mp4(*tracks: bytes, large: bool = False) -> io.BytesIO:
    return io.BytesIO(box(b"ftyp", b"isom") + box(b"mdat", bytes(64), large=large) + box(b"moov", *tracks))


def refused(file: io.BytesIO) -> ErrorCode:
    with pytest.raises(VideoError) as caught:
        check_index(file, LIMITS)
    return caught.value.code


def test_an_index_within_the_limit_is_left_alone() -> None:
    """And the file is where it was: at its beginning."""
    file = mp4(track(1000), track(2))
    check_index(file, LIMITS)
    assert file.tell() == 0


@pytest.mark.parametrize("large", [False, True], ids=["32-bit sizes", "64-bit sizes"])
def test_more_frames_than_the_limit_are_refused_wherever_they_are_claimed(large: bool) -> None:
    """In any track, behind boxes with either kind of size."""
    assert refused(mp4(track(10), track(1001), large=large)) is ErrorCode.TOO_MANY_FRAMES


def test_sound_may_have_many_more_samples_than_pictures() -> None:
    """Uncompressed sound has 48,000 a second, all of one size."""
    check_index(mp4(track(10), track(500_000_000, b"soun")), LIMITS)


def test_a_fragment_that_claims_more_frames_than_the_limit_is_refused() -> None:
    """A run of samples need not take a byte for each."""
    run = box(b"trun", struct.pack(">II", 0, 4_000_000_000))
    fragment = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", run))
    assert refused(io.BytesIO(mp4(track(0)).getvalue() + fragment)) is ErrorCode.TOO_MANY_FRAMES


def test_tens_of_thousands_of_edits_are_refused() -> None:
    """FFmpeg walks the whole index for each of them."""
    assert refused(mp4(track(10, edits=40_000))) is ErrorCode.TOO_MANY_FRAMES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"#EXTM3U\n",
        box(b"ftyp", b"isom") + b"\x00\x00\x00\x00moov" + b"\xff" * 20,
        box(b"ftyp", b"isom") + b"\x00\x00\x00\x01moov" + b"\xff" * 8,
        box(b"ftyp", b"isom") + b"\x00\x00\x00\x02moov" * 1000,
        box(b"moov", box(b"trak", box(b"mdia", b"\x00\x00"))),
    ],
)
def test_what_is_damaged_or_no_mp4_is_left_to_the_decoder(content: bytes) -> None:
    """Its errors are better, and this reads no further than it must."""
    check_index(io.BytesIO(content), LIMITS)


def test_a_video_far_longer_than_its_index_is_not_read_through() -> None:
    """Only the boxes' headers are read, and of fragments the first: the pictures lie between them."""

    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    fragments = b"".join(box(b"moof", box(b"mfhd", bytes(8))) + box(b"mdat", bytes(5000)) for _ in range(1000))
    file = Counting(mp4(track(10)).getvalue() + fragments)
    check_index(file, LIMITS)
    assert file.taken < 1000
