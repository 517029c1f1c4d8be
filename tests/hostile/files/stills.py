"""Pictures that do not move, renamed .mp4: refused by their container, or by their pixels before they are decoded."""

import struct
import zlib
from functools import cache, partial

import cv2
import numpy as np

from demo.numbered import numbered_frame
from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import Box, edited, parse, patched
from tests.hostile.files.case import Case, made, measured, refused
from tests.hostile.files.clips import encoded, grey, pictures

NO_VIDEO = refused(ErrorCode.NOT_A_VIDEO)
TOO_MANY = refused(ErrorCode.TOO_MANY_PIXELS)

WIDE, HIGH = 12_000, 8_000
"""96 megapixels."""


def _picture(suffix: str) -> bytes:
    written, data = cv2.imencode(suffix, numbered_frame(7, 640, 480))
    if not written:
        raise ValueError(f"no {suffix} can be written")
    return data.tobytes()


@cache
def _huge_jpeg() -> bytes:
    return cv2.imencode(".jpg", np.full((HIGH, WIDE), 128, dtype=np.uint8))[1].tobytes()


def _huge_png() -> bytes:
    """96 megapixels of one bit in a few KB, without ever holding them."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes((WIDE // 8 + 1) * HIGH), 9)
    header = struct.pack(">IIBBBBB", WIDE, HIGH, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _avif() -> bytes:
    """An image in a video's container: its boxes are an MP4's."""
    return encoded("libsvtav1", "avif", [grey(64, 64)], options={"preset": "11", "svtav1-params": "avif=1"})


def _renamed_brand(brand: bytes) -> bytes:
    boxes = parse(encoded("mjpeg", "mp4", list(pictures(1)), "yuvj420p"))
    boxes[0] = Box(b"ftyp", brand + bytes(4) + brand + b"mif1")
    return b"".join(map(bytes, boxes))


def _mp4_of_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    """An MP4 of one JPEG whose header says `width` × `height`, whatever the JPEG holds."""

    def lie(moov: Box) -> None:
        table = moov.find("trak/mdia/minf/stbl")
        description = table.find("stsd")
        description.body = patched(description.body, 8 + 8 + 24, ">HH", width, height)
        table.find("stsz").body = struct.pack(">III", 0, len(jpeg), 1)
        table.find("stco").body = struct.pack(">III", 0, 1, offset)

    small = encoded("mjpeg", "mp4", list(pictures(1)), "yuvj420p")
    offset = len(small) + 8
    # The pictures come last, so that the index may change its size: its offset is corrected in a second pass.
    first = edited(small, lie)
    offset = len(first) + 8
    return edited(small, lie) + bytes(Box(b"mdat", jpeg))


CASES = [
    Case(f"still-{suffix[1:]}", made(partial(_picture, suffix)), NO_VIDEO)
    for suffix in (".jpg", ".png", ".bmp", ".tiff", ".webp")
] + [
    Case("still-gif", made(lambda: encoded("gif", "gif", list(pictures(1)), "rgb8")), measured(0.04)),
    Case("still-avif", made(_avif), NO_VIDEO),
    Case("still-heic", made(lambda: _renamed_brand(b"heic")), NO_VIDEO),
    Case("still-jpeg-of-96-megapixels", made(_huge_jpeg), NO_VIDEO),
    Case("still-png-of-96-megapixels", made(_huge_png), NO_VIDEO),
    Case("mp4-of-a-96-megapixel-jpeg", made(lambda: _mp4_of_jpeg(_huge_jpeg(), WIDE, HIGH)), TOO_MANY),
    Case("mp4-of-a-96-megapixel-jpeg-that-lies", made(lambda: _mp4_of_jpeg(_huge_jpeg(), 64, 48)), TOO_MANY),
    Case(
        "mp4-of-png",
        made(lambda: encoded("png", "mov", list(pictures(3)), "rgb24")),
        refused(ErrorCode.UNSUPPORTED_CODEC),
    ),
]
