"""Ways to spoil a video file: blindly, and along the boxes, elements and packets that it is made of."""

import random
import re
import struct
from collections.abc import Callable

from tests.hostile.files.boxes import NESTED, Box, parse

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Where counters overflow and signs change."""

MARKS = re.compile(
    rb"ftyp|moov|mdat|trak|mdhd|mvhd|tkhd|stsd|stts|ctts|stsc|stsz|stco|stss|elst|avc1|avcC|moof|trun|tfhd"
    rb"|avih|strh|strf|idx1|movi|LIST|00dc|\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x15\x49\xa9\x66|\x16\x54\xae\x6b"
    rb"|\x1f\x43\xb6\x75|\xa3|\x00\x00\x01|\x47[\x40\x41\x50]|GIF89a|\x2c\x00|FLV"
)
"""What stands in front of the fields that demuxers and decoders believe."""

Mutation = Callable[[bytearray, random.Random], None]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` after one to eight mutations."""
    if data[4:8] == b"ftyp" and chance.random() < 0.4:
        data = _boxes_changed(data, chance)
    spoiled = bytearray(data)
    for _ in range(1 << chance.randrange(4)):
        if spoiled:
            chance.choice(MUTATIONS)(spoiled, chance)
    return bytes(spoiled)


def _flip_bits(data: bytearray, chance: random.Random) -> None:
    for _ in range(1 << chance.randrange(6)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _write_number(data: bytearray, chance: random.Random) -> None:
    """Anywhere."""
    _number_at(data, chance.randrange(len(data)), chance)


def _write_number_behind_a_mark(data: bytearray, chance: random.Random) -> None:
    """Into one of the fields of a structure."""
    marks = [match.end() for match in MARKS.finditer(data)]
    if marks:
        _number_at(data, chance.choice(marks) + chance.randrange(-8, 40), chance)


def _number_at(data: bytearray, at: int, chance: random.Random) -> None:
    size = chance.choice((1, 2, 4, 8))
    if 0 <= at <= len(data) - size:
        value = chance.choice((*INTERESTING, chance.getrandbits(32), len(data)))
        data[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, chance.choice(("big", "little")))


def _overwrite(data: bytearray, chance: random.Random) -> None:
    """With noise, zeros or another place of the same file."""
    at, size = _run(data, chance)
    other = chance.randrange(len(data))
    data[at : at + size] = chance.choice((chance.randbytes(size), bytes(size), bytes(data[other : other + size])))


def _remove(data: bytearray, chance: random.Random) -> None:
    at, size = _run(data, chance)
    del data[at : at + size]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at, size = _run(data, chance)
    data[at:at] = data[at : at + size] * chance.choice((1, 1, 2, 50))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _run(data: bytearray, chance: random.Random) -> tuple[int, int]:
    return chance.randrange(len(data)), min(1 << chance.randrange(11), len(data))


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _write_number,
    _write_number_behind_a_mark,
    _write_number_behind_a_mark,
    _write_number_behind_a_mark,
    _overwrite,
    _remove,
    _repeat,
    _cut,
)


def _boxes_changed(mp4: bytes, chance: random.Random) -> bytes:
    """An MP4 whose boxes are still whole and of the right size, but which are not those that belong there."""
    boxes = parse(mp4)
    for _ in range(chance.randrange(1, 4)):
        siblings = chance.choice(_families(boxes))
        if siblings:
            _change(siblings, chance.randrange(len(siblings)), chance)
    return b"".join(map(bytes, boxes))


def _families(boxes: list[Box]) -> list[list[Box]]:
    return [boxes, *(family for box in boxes if box.kind in NESTED for family in _families(box.children))]


def _change(siblings: list[Box], at: int, chance: random.Random) -> None:
    box = siblings[at]
    match chance.randrange(5):
        case 0:
            del siblings[at]
        case 1:
            siblings.insert(chance.randrange(len(siblings) + 1), box)
        case 2:
            chance.shuffle(siblings)
        case 3 if len(box.body) >= 8:
            position = chance.randrange(len(box.body) // 4) * 4
            number = struct.pack(">I", chance.choice((*INTERESTING, chance.getrandbits(32))))
            box.body = box.body[:position] + number + box.body[position + 4 :]
        case _:
            box.body = box.body[: chance.randrange(len(box.body) + 1)]
