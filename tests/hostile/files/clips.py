"""Small good videos of numbered frames, from which bad ones are made."""

import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.codec.context import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from demo.clips import ClipSpec, Picture, TimedPictures, at_rate, kept_scheduling, write_clip
from demo.numbered import numbered_frame

RATE = Fraction(25)
SIZE = (64, 48)
"""Width and height."""


def pictures(count: int, first: int = 0) -> Iterator[Picture]:
    """`count` numbered pictures."""
    return (numbered_frame(number) for number in range(first, first + count))


@cache
def clip(frames: int = 75, suffix: str = ".mp4", spec: ClipSpec | None = None) -> bytes:
    """A good video at 25 frames a second (or the spec's rate); an MP4's index stands at the end."""
    spec = spec or ClipSpec(gop=25)
    return timed_clip(at_rate(spec.frame_rate, pictures(frames)), suffix, spec)


def timed_clip(frames: TimedPictures, suffix: str = ".mp4", spec: ClipSpec | None = None) -> bytes:
    """A good video whose frames have times of their own."""
    with tempfile.TemporaryDirectory() as directory:
        return write_clip(Path(directory) / f"clip{suffix}", spec or ClipSpec(gop=25), frames).read_bytes()


def encoded(
    encoder: str,
    container: str,
    images: Sequence[Picture],
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: Fraction = RATE,
) -> bytes:
    """`images` by any encoder and muxer of FFmpeg, for what `demo.clips` does not write."""
    os.environ.setdefault("SVT_LOG", "1")  # the one encoder that reports on stderr, and its only switch
    file = io.BytesIO()
    with kept_scheduling(), av.open(file, "w", format=container) as output:
        stream = video_stream(output, encoder, images[0], pixel_format, options, rate)
        for image in images:
            output.mux(stream.encode(frame_of(image)))
        output.mux(stream.encode(None))
    return file.getvalue()


def video_stream(
    output: OutputContainer,
    encoder: str,
    image: Picture,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: Fraction = RATE,
) -> VideoStream:
    """A stream of one thread for images like `image`."""
    stream = cast("VideoStream", output.add_stream(encoder, rate=rate, options=options or {}))
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = pixel_format
    stream.thread_count = 1
    return stream


def frame_of(image: Picture) -> av.VideoFrame:
    """The picture (RGB or grey) as FFmpeg's frame."""
    return av.VideoFrame.from_ndarray(image, format="gray" if image.ndim == 2 else "rgb24")


def packets(
    encoder: str, images: Sequence[Picture], options: dict[str, str] | None = None
) -> "list[Packet[VideoStream]]":
    """`images` encoded with their headers in the packets themselves, as broadcasts have it."""
    context = cast("VideoCodecContext", CodecContext.create(encoder, "w"))
    context.height, context.width = images[0].shape[:2]
    pixel_format = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    context.pix_fmt, context.time_base, context.framerate = pixel_format, 1 / RATE, RATE
    context.thread_count = 1
    context.options = options or {}
    found: list[Packet[VideoStream]] = []
    for number, image in enumerate(images):
        frame = frame_of(image).reformat(format=pixel_format)
        frame.pts, frame.time_base = number, 1 / RATE
        found += context.encode(frame)
    return found + list(context.encode(None))


def grey(width: int, height: int) -> Picture:
    """A flat grey RGB picture."""
    return np.full((height, width, 3), 128, dtype=np.uint8)
