"""Every kind of codec, pixel and shape of frame: measured, or refused with its code."""

import io
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import cv2
import numpy as np

from demo.clips import ClipSpec, Codec, Picture
from screen_time.errors import ErrorCode
from tests.hostile.files.case import Case, Measured, made, measured, refused
from tests.hostile.files.clips import RATE, clip, encoded, grey, packets, pictures, video_stream

UNSUPPORTED = refused(ErrorCode.UNSUPPORTED_CODEC)
TOO_MANY = refused(ErrorCode.TOO_MANY_PIXELS)
UNREADABLE = refused(ErrorCode.TOO_MANY_PIXELS, ErrorCode.NO_FRAMES)
"""A picture whose header claims far more than the few bytes behind it can hold."""

FAST = {"preset": "ultrafast"}


def _spec(name: str, spec: ClipSpec, suffix: str = ".mp4") -> Case:
    return Case(name, made(lambda: clip(75, suffix, spec)), measured(3, 0, 25, 50))


def _by(name: str, encoder: str, container: str, pixels: str = "yuv420p", **options: str) -> Case:
    """Two seconds and a half by any encoder."""

    def make() -> bytes:
        images = [_resized(image, 352, 288) for image in pictures(62)]
        return encoded(encoder, container, images, pixels, options)

    return Case(name, made(make), Measured(2480, (0, 25, 50)))


def _resized(image: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _large(width: int, height: int, codec: str = "libx264", count: int = 2) -> Callable[[], bytes]:
    options = FAST | {"qp": "51"} if codec == "libx264" else {}
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return lambda: encoded(codec, "mp4" if codec != "mjpeg" else "avi", [grey(width, height)] * count, pixels, options)


def _muxed(container: str, parts: Sequence[tuple[str, Sequence[Picture]]]) -> bytes:
    """One stream, put together of what several encoders made of pictures of several sizes."""
    file, at = io.BytesIO(), 0
    with av.open(file, "w", format=container) as output:
        stream = video_stream(output, parts[0][0], parts[0][1][0], "yuvj420p" if parts[0][0] == "mjpeg" else "yuv420p")
        stream.time_base = 1 / RATE
        for encoder, images in parts:
            options = FAST | {"tune": "zerolatency"} if encoder == "libx264" else {}
            for packet in packets(encoder, images, options):
                packet.stream, packet.time_base = stream, 1 / RATE
                packet.pts = packet.dts = at
                packet.duration = 1
                at += 1
                output.mux(packet)
    return file.getvalue()


def _sizes(*sizes: tuple[int, int]) -> list[tuple[str, list[Picture]]]:
    """25 numbered pictures of each size."""
    found: list[tuple[str, list[Picture]]] = []
    for part, (width, height) in enumerate(sizes):
        found.append(("libx264", [_resized(image, width, height) for image in pictures(25, part * 25)]))
    return found


def _grows_beyond_the_limit() -> bytes:
    return _muxed("avi", [("mjpeg", list(pictures(50))), ("mjpeg", [grey(12_000, 8_000)])])


def _claims(width: int, height: int) -> bytes:
    """Motion JPEGs of 64×48 whose own headers claim to be larger than the file says."""
    data = bytearray(encoded("mjpeg", "avi", [grey(64, 48)] * 50, "yuvj420p"))
    at = data.find(b"\xff\xc0\x00\x11\x08")
    while at >= 0:
        data[at + 5 : at + 9] = height.to_bytes(2) + width.to_bytes(2)
        at = data.find(b"\xff\xc0\x00\x11\x08", at + 1)
    return bytes(data)


def _shape(name: str, aspect: Fraction, fate: Measured) -> Case:
    return Case(name, made(lambda: clip(75, ".mp4", ClipSpec(gop=25, sample_aspect_ratio=aspect))), fate)


def _hdr() -> bytes:
    params = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    options = (("x265-params", params),)
    return clip(75, ".mp4", ClipSpec(codec=Codec.HEVC, pixel_format="yuv420p10le", options=options))


CASES = [
    _spec("h264-444", ClipSpec(pixel_format="yuv444p")),
    _spec("h264-422", ClipSpec(pixel_format="yuv422p")),
    _spec("h264-10-bit", ClipSpec(pixel_format="yuv420p10le")),
    _spec("h264-gray", ClipSpec(pixel_format="gray")),
    _spec("hevc", ClipSpec(codec=Codec.HEVC)),
    _spec("hevc-10-bit", ClipSpec(codec=Codec.HEVC, pixel_format="yuv420p10le")),
    _spec("hevc-12-bit-444", ClipSpec(codec=Codec.HEVC, pixel_format="yuv444p12le")),
    _spec("vp9", ClipSpec(codec=Codec.VP9), ".webm"),
    _spec("vp9-in-mp4", ClipSpec(codec=Codec.VP9)),
    _spec("av1", ClipSpec(codec=Codec.AV1)),
    _spec("av1-10-bit", ClipSpec(codec=Codec.AV1, pixel_format="yuv420p10le"), ".mkv"),
    _spec("mpeg4", ClipSpec(codec=Codec.MPEG4), ".avi"),
    Case("hdr", made(_hdr), measured(3, 0, 25, 50)),
    _by("prores", "prores_ks", "mov", "yuv422p10le"),
    _by("prores-4444-with-alpha", "prores_ks", "mov", "yuva444p10le", profile="4444"),
    _by("mjpeg", "mjpeg", "avi", "yuvj420p"),
    _by("mpeg2", "mpeg2video", "mpegts"),
    _by("mpeg2-in-a-program-stream", "mpeg2video", "mpeg"),
    _by("mpeg1", "mpeg1video", "mpeg"),
    _by("interlaced", "mpeg2video", "mpegts", flags="+ildct+ilme"),
    _by("ffv1", "ffv1", "matroska"),
    _by("huffyuv", "huffyuv", "avi", "yuv422p"),
    _by("utvideo", "utvideo", "avi", "yuv420p"),
    _by("raw", "rawvideo", "matroska"),
    _by("wmv2", "wmv2", "asf"),
    _by("msmpeg4", "msmpeg4", "avi"),
    _by("flv", "flv", "flv"),
    _by("h263", "h263", "mov"),
    _by("h264-rgb", "libx264rgb", "matroska", "rgb24", preset="ultrafast"),
    Case("gif", made(lambda: encoded("gif", "gif", list(pictures(75)), "rgb8")), measured(3, 0, 25, 50)),
    Case("qtrle", made(lambda: encoded("qtrle", "mov", list(pictures(3)), "rgb24")), UNSUPPORTED),
    Case("cinepak", made(lambda: encoded("cinepak", "mov", list(pictures(3)), "rgb24")), UNSUPPORTED),
    Case("snow", made(lambda: encoded("snow", "avi", list(pictures(3)), "yuv420p")), UNSUPPORTED),
    # -- Shapes
    _shape("anamorphic", Fraction(2), Measured(3000, (0, 25, 50), size=(128, 48))),
    _shape("anamorphic-beyond-belief", Fraction(1, 60_000), Measured(3000, (0, 25, 50), size=(64, 48))),
    Case("2-by-2-pixels", made(lambda: encoded("libx264", "mp4", [grey(2, 2)] * 50, options=FAST)), measured(2)),
    Case("1-by-1-pixel", made(lambda: encoded("ffv1", "matroska", [grey(1, 1)] * 50, "bgr0")), measured(2)),
    Case("16384-by-16-pixels", made(_large(16_384, 16, "libx264", 50)), measured(2, size=(16_384, 16))),
    Case("16-by-16384-pixels", made(_large(16, 16_384, "libx264", 50)), measured(2, size=(16, 16_384))),
    Case("8k", made(_large(7680, 4320)), measured(0.08, size=(7680, 4320))),
    Case("16k-by-16k", made(lambda: _claims(16_384, 16_384)), UNREADABLE),
    Case("65500-by-65500", made(lambda: _claims(65_500, 65_500)), UNREADABLE),
    Case(
        "resolution-changes-midway",
        made(lambda: _muxed("mpegts", _sizes((64, 48), (320, 240), (48, 64), (128, 96)))),
        measured(4, 0, 25, 50, 75),
    ),
    Case("resolution-grows-beyond-the-limit", made(_grows_beyond_the_limit), TOO_MANY),
]
