"""What an MP4's index claims, read before FFmpeg believes it.

FFmpeg makes an entry in memory for each sample that the index claims, and a few hundred bytes of a file can claim
billions; and it walks the whole index for each entry of an edit list. Both are refused here by reading the boxes'
headers and their counts alone, a few bytes each. A file that is no MP4, or whose boxes are damaged, is left to FFmpeg.
"""

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from screen_time.errors import ErrorCode, VideoError
from screen_time.video_limits import VideoFile, VideoLimits

MOST_BOXES = 20_000
"""Headers read at most; a usual file has a few dozen."""

MOST_EDITS = 100
"""Entries of an edit list: editors write one or two, and FFmpeg needs seconds for thousands."""

FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"})
PATH = {
    b"": frozenset({b"moov", b"moof"}),
    b"moov": frozenset({b"trak"}),
    b"trak": frozenset({b"mdia", b"edts"}),
    b"mdia": frozenset({b"minf"}),
    b"minf": frozenset({b"stbl"}),
    b"moof": frozenset({b"traf"}),
}
"""Boxes that are looked into, by the box that they lie in: no deeper than this."""

VIDEO = b"vide"
"""The handler of a track of pictures. Sound may have a sample for each of its 48,000 a second, which costs nothing."""

COUNTS = {b"stsz": 8, b"elst": 4, b"trun": 4}
"""Boxes that claim a count, and where in their body it stands."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Of the body."""
    end: int


def check_index(file: VideoFile, limits: VideoLimits) -> None:
    """Raise VideoError where an MP4 claims more frames, or edits, than are read; leaves `file` at its beginning."""
    try:
        for kind, count in _counts(file):
            if kind == b"elst" and count > MOST_EDITS:
                raise VideoError(ErrorCode.TOO_MANY_FRAMES, f"The video is cut by more than {MOST_EDITS} edits.")
            if kind != b"elst" and count > limits.frames:
                raise VideoError(ErrorCode.TOO_MANY_FRAMES, f"The video claims more than {limits.frames} frames.")
    finally:
        file.seek(0)


def _counts(file: VideoFile) -> Iterator[tuple[bytes, int]]:
    """The kind of each box that counts frames or edits, and its count."""
    file.seek(0, 2)
    whole = _Box(b"", 0, file.tell())
    first = _header(file, 0, whole.end)
    if first is None or first.kind not in FIRST_BOXES:
        return
    handler = VIDEO
    for box in itertools.islice(_walk(file, whole), MOST_BOXES):
        if box.kind == b"trak":
            handler = VIDEO
        elif box.kind == b"hdlr":
            handler = _read(file, box.start + 8, 4)
        elif box.kind in COUNTS and (box.kind != b"stsz" or handler == VIDEO):
            yield box.kind, int.from_bytes(_read(file, box.start + COUNTS[box.kind], 4))


def _walk(file: VideoFile, box: _Box) -> Iterator[_Box]:
    """Every box in `box` before the boxes in it, one after the other."""
    position = box.start
    while (child := _header(file, position, box.end)) is not None:
        yield child
        if child.kind in PATH.get(box.kind, ()):
            yield from _walk(file, child)
        if box.kind == b"" and child.kind == b"moof":
            return  # the fragments that follow lie between their pictures, all over the file
        position = child.end


def _header(file: VideoFile, position: int, end: int) -> _Box | None:
    """The box at `position`; None where there is none that ends before `end`."""
    if position + 8 > end:
        return None
    head = _read(file, position, 16)
    if len(head) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    start = position + 8
    if size == 1 and len(head) == 16:
        (size,) = struct.unpack_from(">Q", head, 8)
        start += 8
    box_end = end if size == 0 else min(position + size, end)
    return _Box(kind, start, box_end) if box_end >= start else None


def _read(file: VideoFile, position: int, size: int) -> bytes:
    """`size` bytes, or as many as there are: a read may give fewer, as at the end of a block that was fetched."""
    file.seek(position)
    data = b""
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data
