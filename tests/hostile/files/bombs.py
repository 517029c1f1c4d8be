"""Small files that ask for much: memory, time, packets, streams."""

import struct
import zlib
from functools import partial

from demo.clips import ClipSpec, Codec
from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import Box, edited, full_box, parse
from tests.hostile.files.case import Case, Measured, RefusedOrCut, made, refused
from tests.hostile.files.clips import clip, encoded, grey

BILLIONS = 0xFFFFFFF0
INDEX_ENTRIES = 170_000_000
"""About as many as FFmpeg takes: 24 bytes of memory each."""


def _index_bomb(samples: int) -> bytes:
    """A few hundred bytes of index that stand for `samples` samples of one size in one chunk."""

    def inflate(moov: Box) -> None:
        tables = moov.find("trak/mdia/minf/stbl")
        kept = [child for child in tables.children if child.kind in (b"stsd",)]
        tables.children = [
            *kept,
            full_box(b"stts", 1, samples, 1),
            full_box(b"stsc", 1, 1, samples, 1),
            full_box(b"stsz", 1, samples),
            full_box(b"stco", 1, 48),
        ]

    return edited(clip(), inflate)


def index_of_sound(samples: int) -> bytes:
    """The same in a track of sound, of which uncompressed ones rightly have very many samples."""

    def rename(moov: Box) -> None:
        handler = moov.find("trak/mdia/hdlr")
        handler.body = handler.body.replace(b"vide", b"soun", 1)

    return edited(_index_bomb(samples), rename)


def _many_entries(kind: bytes, width: int, claimed: int) -> bytes:
    """A table that claims more entries than the file has bytes."""

    def inflate(moov: Box) -> None:
        table = moov.find("trak/mdia/minf/stbl")
        table.children = [child for child in table.children if child.kind != kind]
        head = (0, claimed) if kind == b"stsz" else (claimed,)
        table.children.append(full_box(kind, *head, *[1] * width))

    return edited(clip(), inflate)


def _fragment_bomb(samples: int) -> bytes:
    """A movie fragment whose run of samples needs no bytes a sample."""
    boxes = parse(clip())
    moov = next(box for box in boxes if box.kind == b"moov")
    moov.children.append(Box(b"mvex", children=[full_box(b"trex", 1, 1, 1, 1, 0)]))
    run = full_box(b"trun", samples)
    header = full_box(b"tfhd", 1)
    fragment = Box(b"moof", children=[full_box(b"mfhd", 1), Box(b"traf", children=[header, run])])
    return b"".join(map(bytes, boxes)) + bytes(fragment) + bytes(Box(b"mdat", bytes(64)))


def _compressed_moov(claimed: int) -> bytes:
    """QuickTime's compressed index, which says how much memory it needs."""
    data = zlib.compress(bytes(1 << 20), 9)
    compressed = Box(b"cmov", bytes(Box(b"dcom", b"zlib")) + bytes(Box(b"cmvd", struct.pack(">I", claimed) + data)))
    return bytes(Box(b"ftyp", b"qt  \x00\x00\x02\x00qt  ")) + bytes(Box(b"moov", bytes(compressed)))


def _large_samples() -> bytes:
    """Every sample is two gigabytes long by the index."""

    def inflate(moov: Box) -> None:
        moov.find("trak/mdia/minf/stbl").find("stsz").body = struct.pack(">III", 0, 0x7FFFFF00, 75)

    return edited(clip(), inflate)


def _long_text() -> bytes:
    """A title of 64 MB in zeros, which no box of text needs."""

    def inflate(moov: Box) -> None:
        title = Box(b"data", struct.pack(">II", 1, 0) + b"x" * (1 << 20))
        items = Box(b"ilst", bytes(Box(b"\xa9nam", bytes(title))) * 8)
        moov.children.append(Box(b"udta", children=[Box(b"meta", bytes(4) + bytes(items))]))

    return edited(clip(), inflate)


def _ebml(claimed: int) -> bytes:
    """A Matroska file whose codec's private data claim to be `claimed` bytes long."""
    data = clip(75, ".mkv")
    at = data.index(b"\x63\xa2")
    return data[: at + 2] + b"\x01" + claimed.to_bytes(7) + data[at + 3 :]


def _empty_packets(count: int) -> bytes:
    """A Matroska clip with very many empty blocks behind it."""
    block = b"\xa3\x84\x81\x00\x00\x00"
    cluster = b"\x1f\x43\xb6\x75\x01" + (len(block) * count + 3).to_bytes(7) + b"\xe7\x81\x00" + block * count
    return clip(75, ".mkv") + cluster


def _programs(count: int) -> bytes:
    """A transport stream whose every packet opens another elementary stream."""

    def packet(pid: int) -> bytes:
        pes = b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05\x21\x00\x01\x00\x01" + b"\x00\x00\x01\xb3\x04\x00\x30\x14"
        return struct.pack(">BHB", 0x47, 0x4000 | pid, 0x10) + pes + b"\xff" * (184 - len(pes))

    return b"".join(packet(16 + number % 8000) for number in range(count))


def _unreadable(megabytes: int) -> bytes:
    """A good start, and then megabytes of packets that cannot be decoded."""
    codec = ClipSpec(codec=Codec.MPEG4, gop=1)
    data = clip(5, ".avi", codec)
    chunk = b"00dc" + struct.pack("<I", 64) + b"\xff" * 64
    return (
        data
        + b"RIFF"
        + struct.pack("<I", megabytes << 20)
        + b"AVIX"
        + b"LIST"
        + struct.pack("<I", megabytes << 20)
        + b"movi"
        + chunk * (megabytes * 2**20 // len(chunk))
    )


NOT_A_VIDEO = refused(ErrorCode.NOT_A_VIDEO)
TOO_MANY_FRAMES = refused(ErrorCode.TOO_MANY_FRAMES)
NOTHING = refused(
    ErrorCode.NOT_A_VIDEO,
    ErrorCode.NO_VIDEO_STREAM,
    ErrorCode.NO_FRAMES,
    ErrorCode.TOO_MANY_FRAMES,
    ErrorCode.DECODER_FAILED,
)

CASES = [
    Case("index-of-four-billion-samples", made(lambda: _index_bomb(BILLIONS)), TOO_MANY_FRAMES),
    Case("index-of-170-million-samples", made(lambda: _index_bomb(INDEX_ENTRIES)), TOO_MANY_FRAMES),
    Case("index-of-20-million-samples", made(lambda: _index_bomb(20_000_000)), TOO_MANY_FRAMES),
    Case("fragment-of-four-billion-samples", made(lambda: _fragment_bomb(BILLIONS)), TOO_MANY_FRAMES),
    Case("fragment-of-170-million-samples", made(lambda: _fragment_bomb(INDEX_ENTRIES)), TOO_MANY_FRAMES),
    *[
        Case(
            f"table-{kind.decode()}-of-a-billion-entries",
            made(partial(_many_entries, kind, width, 10**9)),
            NOTHING,
        )
        for kind, width in ((b"stts", 2), (b"ctts", 2), (b"stsc", 3), (b"stsz", 1), (b"stco", 1), (b"stss", 1))
    ],
    Case("samples-of-two-gigabytes", made(_large_samples), refused(ErrorCode.NO_FRAMES)),
    Case("compressed-index-of-two-gigabytes", made(lambda: _compressed_moov(0x7FFFFFFF)), NOTHING),
    Case("compressed-index-of-500-megabytes", made(lambda: _compressed_moov(500 << 20)), NOT_A_VIDEO),
    Case("title-of-eight-megabytes", made(_long_text), Measured(3000, (0, 25, 50))),
    Case("mkv-element-of-two-gigabytes", made(lambda: _ebml(0x7FFFFFFF)), NOT_A_VIDEO),
    Case("mkv-element-of-many-exabytes", made(lambda: _ebml(0xFFFFFFFFFFFFFE)), NOT_A_VIDEO),
    Case("a-million-empty-packets", made(lambda: _empty_packets(1_000_000)), Measured(3000, (0, 25, 50))),
    Case("eight-thousand-programs", made(lambda: _programs(16_000)), NOTHING),
    Case("megabytes-of-unreadable-packets", made(lambda: _unreadable(4)), RefusedOrCut()),
    Case("ten-4k-frames", made(lambda: encoded("mpeg4", "avi", [grey(4096, 2304)] * 10)), Measured(400)),
]
