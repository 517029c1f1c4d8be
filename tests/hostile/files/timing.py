"""Videos whose times are odd: their gaps, starts, edit lists, rates and lengths, true ones and lies."""

import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from demo.clips import ClipSpec, Codec, at_rate
from demo.numbered import numbered_frame
from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import Box, edited, full_box, patched
from tests.hostile.files.case import Anything, Case, Fate, Measured, made, measured, refused
from tests.hostile.files.clips import RATE, clip, pictures, timed_clip

TOO_MANY = refused(ErrorCode.TOO_MANY_FRAMES)
TOO_LONG = refused(ErrorCode.TOO_LONG)

HOUR = 3600
MEDIA_TICKS = 16
"""Of a millisecond, in the tracks of our own clips; the movies themselves count milliseconds."""

MEDIA_RATE_ONE = 0x10000


def _at(times: Sequence[float | Fraction], suffix: str = ".mp4", spec: ClipSpec | None = None) -> bytes:
    frames = ((Fraction(time), numbered_frame(number)) for number, time in enumerate(times))
    return timed_clip(frames, suffix, spec)


def _edits(entries: Iterable[tuple[int, int, int]]) -> bytes:
    """A clip of three seconds with an edit list: (length in ms, media time in ms or -1 for nothing, rate)."""

    def edit(moov: Box) -> None:
        listed = list(entries)
        body = struct.pack(">II", 0, len(listed)) + b"".join(
            struct.pack(">IiI", length, start * MEDIA_TICKS if start > 0 else start, rate & 0xFFFFFFFF)
            for length, start, rate in listed
        )
        track = moov.find("trak")
        track.children = [child for child in track.children if child.kind != b"edts"]
        track.children.insert(1, Box(b"edts", children=[Box(b"elst", body)]))

    return edited(clip(75, ".mp4", ClipSpec(gop=5)), edit)


def _table(kind: bytes, *numbers: int) -> Callable[[], bytes]:
    """A clip of three seconds with one of its tables of samples replaced."""

    def edit(moov: Box) -> None:
        tables = moov.find("trak/mdia/minf/stbl")
        tables.children = [child for child in tables.children if child.kind != kind] + [full_box(kind, *numbers)]

    return lambda: edited(clip(), edit)


def _header(path: str, offset: int, layout: str, *values: int) -> Callable[[], bytes]:
    def edit(moov: Box) -> None:
        box = moov.find(path)
        box.body = patched(box.body, offset, layout, *values)

    return lambda: edited(clip(), edit)


def _rotated(degrees: int) -> bytes:
    """A clip that was filmed with the camera turned, and that says so."""
    stored = (np.rot90(picture, degrees // 90).copy() for picture in pictures(75))
    return timed_clip(at_rate(RATE, stored), ".mp4", ClipSpec(gop=25, rotation=degrees))


def _turned(*matrix: int) -> Callable[[], bytes]:
    """A clip with another display matrix: nine 16.16 or 2.30 fixed-point numbers."""
    return _header("trak/tkhd", 40, ">9i", *matrix)


def _avi_rate(scale: int, rate: int) -> bytes:
    data = clip(75, ".avi", ClipSpec(codec=Codec.MPEG4))
    at = data.index(b"strh") + 8 + 20
    return patched(data, at, "<II", scale, rate)


def _avi_frames(count: int) -> bytes:
    data = clip(75, ".avi", ClipSpec(codec=Codec.MPEG4))
    return patched(patched(data, data.index(b"avih") + 8 + 16, "<I", count), data.index(b"strh") + 8 + 32, "<I", count)


def _mkv_duration(seconds: float) -> bytes:
    data = clip(75, ".mkv")
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", seconds * 1000) + data[at + 8 :]


def _one_hour_a_frame(hours: int) -> bytes:
    return _at([Fraction(hour * HOUR) for hour in range(hours)], ".mkv")


def _backwards() -> bytes:
    """A transport stream that was cut and put together in the wrong order."""
    later = clip(50, ".ts", ClipSpec(gop=5, start=Fraction(10)))
    return later + clip(50, ".ts", ClipSpec(gop=5))


def _case(name: str, make: Callable[[], bytes], fate: Fate) -> Case:
    return Case(name, made(make), fate)


ONE, HALF = MEDIA_RATE_ONE, MEDIA_RATE_ONE // 2
WHOLE = Measured(3000, (0, 25, 50))

CASES = [
    # -- True ones
    _case(
        "variable-frame-rate",
        lambda: _at([0, 0.01, 0.9, 1.3, 1.31, 2.5], spec=ClipSpec(last_duration=Fraction(1, 2))),
        measured(3, 0, 2, 4),
    ),
    _case("a-gap-of-a-minute", lambda: _at([0, 0.04, 60, 60.04]), Measured(60080)),
    _case("b-frames", lambda: clip(75, ".mp4", ClipSpec(gop=25, b_frames=3)), WHOLE),
    _case("starts-at-five-seconds", lambda: clip(75, ".mp4", ClipSpec(gop=25, start=Fraction(5))), WHOLE),
    _case("starts-at-five-seconds-in-ts", lambda: clip(75, ".ts", ClipSpec(gop=25, start=Fraction(5))), WHOLE),
    _case("starts-at-a-day-in-mkv", lambda: clip(75, ".mkv", ClipSpec(gop=25, start=Fraction(86400))), WHOLE),
    _case("one-frame", lambda: clip(1), measured(0.04, 0)),
    _case("half-a-second", lambda: clip(12), measured(0.48, 0)),
    _case(
        "a-thousand-frames-a-second",
        lambda: clip(2500, ".mp4", ClipSpec(frame_rate=Fraction(1000), gop=500)),
        measured(2.5, 0, 1000, 2000),
    ),
    _case("a-frame-an-hour", lambda: _one_hour_a_frame(5), Measured(14_400_040)),
    _case("a-gap-of-four-hours", lambda: _at([0, 0.04, 4 * HOUR], ".mkv"), Measured(14_400_040)),
    Case("a-gap-of-ten-hours", made(lambda: _at([0, 0.04, 10 * HOUR], ".mkv")), TOO_LONG),
    Case("twelve-hours", made(lambda: _at([0, *range(60, 12 * HOUR, 60)], ".mkv")), TOO_LONG),
    *[
        _case(f"turned-by-{degrees}", partial(_rotated, degrees), Measured(3000, (0, 25, 50), size=(64, 48)))
        for degrees in (90, 180, 270)
    ],
    # -- Edit lists
    _case("edit-list-that-skips-a-second", lambda: _edits([(2000, 1000, ONE)]), measured(2, 25, 50)),
    _case(
        "edit-list-that-starts-with-nothing",
        lambda: _edits([(2000, -1, ONE), (3000, 0, ONE)]),
        WHOLE,
    ),
    Case(
        "edit-list-of-forty-thousand-entries",
        made(lambda: _edits([(1, number % 3000, ONE) for number in range(40_000)])),
        TOO_MANY,
    ),
    Case("edit-list-of-forty-thousand-whole-runs", made(lambda: _edits([(3000, 0, ONE)] * 40_000)), TOO_MANY),
    Case("edit-list-of-a-hundred-whole-runs", made(lambda: _edits([(3000, 0, ONE)] * 100)), Anything()),
    Case("edit-list-at-half-speed", made(lambda: _edits([(6000, 0, HALF)])), Anything()),
    Case("edit-list-that-runs-backwards", made(lambda: _edits([(3000, 2000, -MEDIA_RATE_ONE)])), Anything()),
    Case("edit-list-behind-the-end", made(lambda: _edits([(3000, 1_000_000, ONE)])), refused(ErrorCode.NO_FRAMES)),
    Case("edit-list-without-entries", made(lambda: _edits([])), WHOLE),
    # -- Lies
    Case("frames-that-last-nothing", made(_table(b"stts", 1, 75, 0)), Anything()),
    Case("frames-that-last-for-ever", made(_table(b"stts", 1, 75, 0x7FFFFFFF)), TOO_LONG),
    Case("frames-that-last-four-billion-ticks", made(_table(b"stts", 1, 75, 0xFFFFFFFF)), Anything()),
    Case(
        "more-times-than-frames", made(_table(b"stts", 1, 1_000_000, 512)), Measured(2400, (0, 31, 62), truncated=None)
    ),
    Case("fewer-times-than-frames", made(_table(b"stts", 1, 10, 512)), Measured(2400, (0, 31, 62), truncated=None)),
    Case("presented-hours-before-decoded", made(_table(b"ctts", 1, 75, 0x80000001)), refused(ErrorCode.NO_FRAMES)),
    Case("mp4-of-a-thousand-hours-by-its-header", made(_header("trak/mdia/mdhd", 16, ">I", 0x7FFFFFFF)), WHOLE),
    Case("mp4-whose-second-has-no-ticks", made(_header("trak/mdia/mdhd", 12, ">I", 0)), Anything()),
    Case("mp4-whose-second-has-four-billion-ticks", made(_header("trak/mdia/mdhd", 12, ">I", 0xFFFFFFFF)), Anything()),
    Case("avi-of-no-frames-a-second", made(lambda: _avi_rate(1, 0)), WHOLE),
    Case("avi-of-a-rate-by-zero", made(lambda: _avi_rate(0, 25)), WHOLE),
    Case("avi-of-four-billion-frames-a-second", made(lambda: _avi_rate(1, 0xFFFFFFFF)), Anything()),
    Case("avi-that-claims-four-billion-frames", made(lambda: _avi_frames(0xFFFFFFFF)), TOO_LONG),
    Case("avi-that-claims-no-frames", made(lambda: _avi_frames(0)), WHOLE),
    Case("mkv-that-claims-a-year", made(lambda: _mkv_duration(3.15e7)), WHOLE),
    Case("mkv-of-endless-duration", made(lambda: _mkv_duration(float("inf"))), WHOLE),
    Case("mkv-whose-duration-is-no-number", made(lambda: _mkv_duration(float("nan"))), WHOLE),
    Case("mkv-of-negative-duration", made(lambda: _mkv_duration(-5)), WHOLE),
    Case("ts-whose-times-run-backwards", made(_backwards), Anything()),
    Case("turned-by-nothing-that-is-an-angle", made(_turned(0, 0, 0, 0, 0, 0, 0, 0, 0)), Anything()),
    Case("turned-by-the-largest-numbers", made(_turned(*[0x7FFFFFFF] * 9)), WHOLE),
    Case("turned-by-45-degrees", made(_turned(46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)), WHOLE),
    Case("mirrored", made(_turned(-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)), Anything()),
]
