"""Clips to measure on: real motion of any length and size, encoded as most videos are (libx264, CRF 23, GOP 250)."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av

from demo.cartoon import Cartoon
from demo.storyboard import Plot, write_storyboard

RATE = Fraction(25)
OPTIONS = {"preset": "veryfast", "crf": "23"}
GOP = 250
LONGEST_ENCODED = 180
"""Seconds; a longer clip repeats one of this length, packet for packet."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A clip's length in seconds and its picture's height in pixels, 16:9."""

    seconds: int
    height: int = 720

    @property
    def width(self) -> int:
        """Of the same aspect, and even, as encoders want it."""
        return round(self.height * 16 / 9 / 2) * 2

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{self.seconds}s-{self.height}p.mp4"


def make(kind: Kind, source: Path | None, folder: Path) -> Path:
    """The clip of this kind, made in `folder` unless it is there; played forth and back from `source`.

    Without a source it is the project's own cartoon, repeated.
    """
    path = folder / f"{'cartoon' if source is None else source.stem}-{kind.name}"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part.mp4")
    if kind.seconds > LONGEST_ENCODED:
        _repeat(make(replace(kind, seconds=LONGEST_ENCODED), source, folder), unfinished, kind.seconds)
    else:
        _encode(unfinished, _of_cartoon(kind) if source is None else _of_video(source, kind), kind)
    return unfinished.rename(path)


def _repeat(clip: Path, path: Path, seconds: int) -> None:
    """Write the packets of `clip`, which ends with a whole group of pictures, again and again."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        copied = None
        for begin in range(0, seconds, LONGEST_ENCODED):
            with av.open(str(clip)) as container:
                stream = container.streams.video[0]
                copied = copied or output.add_stream_from_template(stream)
                for packet in container.demux(stream):
                    if packet.pts is None or packet.dts is None or not packet.time_base:
                        continue  # the end's
                    if begin + packet.pts * packet.time_base < seconds:
                        later = round(begin / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, copied
                        output.mux(packet)


def _of_video(source: Path, kind: Kind) -> list[av.VideoFrame]:
    with av.open(str(source)) as container:
        return [
            frame.reformat(width=kind.width, height=kind.height, format="yuv420p")
            for frame in container.decode(video=0)
        ]


def _of_cartoon(kind: Kind) -> list[av.VideoFrame]:
    cartoon = Cartoon(write_storyboard(Plot(seconds=20)), kind.width, kind.height)
    pictures = (picture for _, picture in itertools.islice(cartoon.frames(RATE), 250))
    return [av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p") for picture in pictures]


def _forth_and_back(frames: list[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    return itertools.cycle([*frames, *frames[-2:0:-1]])


def _encode(path: Path, frames: list[av.VideoFrame], kind: Kind) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = kind.width, kind.height, "yuv420p", GOP
        for number, frame in enumerate(itertools.islice(_forth_and_back(frames), round(kind.seconds * RATE))):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / RATE, 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
