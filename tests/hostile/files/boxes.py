"""An MP4 as a tree of boxes that can be taken apart, falsified and put together again."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

NESTED = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf", b"udta"})
"""Boxes that hold boxes and nothing else."""


@dataclass(slots=True)
class Box:
    """A box: `kind` of four letters, and `body`, which for the NESTED kinds is `children` instead."""

    kind: bytes
    body: bytes = b""
    children: list["Box"] = field(default_factory=list)

    def __bytes__(self) -> bytes:
        content = self.body + b"".join(map(bytes, self.children))
        return struct.pack(">I4s", len(content) + 8, self.kind) + content

    def find(self, path: str) -> "Box":
        """The first box at `path` ('trak/mdia/mdhd') below this one; raises StopIteration where there is none."""
        kind, _, rest = path.partition("/")
        child = next(child for child in self.children if child.kind == kind.encode())
        return child.find(rest) if rest else child


def full_box(kind: bytes, *numbers: int, version: int = 0, flags: int = 0) -> Box:
    """A box with version and flags, then unsigned 32-bit numbers."""
    return Box(kind, struct.pack(f">I{len(numbers)}I", version << 24 | flags, *numbers))


def parse(data: bytes) -> list[Box]:
    """The boxes in `data`, one after the other."""
    return list(_parse(data))


def _parse(data: bytes) -> Iterator[Box]:
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + size]
        yield Box(kind, children=parse(body)) if kind in NESTED else Box(kind, body)
        position += size


def edited(mp4: bytes, edit: Callable[[Box], object]) -> bytes:
    """`mp4`, whose index stands at its end, after `edit` changed the moov box."""
    boxes = parse(mp4)
    edit(next(box for box in boxes if box.kind == b"moov"))
    return b"".join(map(bytes, boxes))


def patched(body: bytes, offset: int, layout: str, *values: int) -> bytes:
    """`body` with `values` packed over it from `offset`."""
    data = bytearray(body)
    struct.pack_into(layout, data, offset, *values)
    return bytes(data)
