"""How a video becomes a model's prepared frames: the interface, and the way within this process.

The other way, in a child process, is `decoder.ChildDecoder`. Both give the same samples, errors and counters.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from screen_time.manifest import InputSpec
from screen_time.samples import WHOLE_VIDEO, Extent, Outline, Part, Sample, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits


@dataclass(frozen=True, slots=True)
class DecodingRequest:
    """What is wanted of a video: which samples, prepared for which input, and how large it may be.

    `outlined` asks for its outline first.
    """

    input: InputSpec
    interval_ms: int = 1000
    limits: VideoLimits = field(default_factory=VideoLimits)
    part: Part = WHOLE_VIDEO
    outlined: bool = False


@dataclass(frozen=True, slots=True)
class Counters:
    """What was read: decoded frames, packets that could not be decoded, and whether the data ended too early.

    `samples_reused` needed no inference, since their frames were the same as the ones before.
    """

    frames_decoded: int
    corrupt_packets: int
    truncated: bool
    samples_reused: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is known once the last sample was read; seconds of wall time went into reading and sampling, and preparing.

    `extent` is None where a part has no sample.
    """

    info: VideoInfo
    extent: Extent | None
    counters: Counters
    decode_seconds: float
    prepare_seconds: float


class Decoding(AbstractContextManager["Decoding"], Protocol):
    """A video while it is decoded. Leaving it closes the video."""

    def outline(self) -> Outline:
        """What the video tells of itself, where the request asked for it; before the samples. Raises VideoError."""

    def samples(self) -> Iterator[Sample]:
        """Yield the samples in order, each with an image of the model's input size, valid until the next is asked for.

        Usable once. Raises VideoError, and what reading the video raises.
        """

    def decoded(self) -> Decoded:
        """What was read, after the last sample."""


class Decoder(Protocol):
    """Decodes videos."""

    def open(self, source: Path | VideoFile, request: DecodingRequest) -> Decoding:
        """Begin with `source`, which is closed in the end; raises VideoError, now or with the first sample."""

    def outline(self, source: Path | VideoFile, limits: VideoLimits) -> Outline:
        """What `source` tells of itself, for little reading; closes it. Raises VideoError where it is no video."""


class InProcessDecoder:
    """Decodes within this process: no bound on memory or time but those of the decoder itself."""

    def open(self, source: Path | VideoFile, request: DecodingRequest) -> Decoding:
        """Begin with `source`, which is closed in the end; raises VideoError."""
        return _InProcess(source, request)

    def outline(self, source: Path | VideoFile, limits: VideoLimits) -> Outline:
        """What `source` tells of itself, for little reading; closes it. Raises VideoError where it is no video."""
        from screen_time.video import Video

        with Video.open(source, limits) as video:
            return video.outline()


class _InProcess:
    def __init__(self, source: Path | VideoFile, request: DecodingRequest) -> None:
        # Here, not at the top: whoever leaves decoding to a child loads no decoder.
        from screen_time.video import Video

        self._request = request
        self._seconds = {"decode": 0.0, "prepare": 0.0}
        started = time.perf_counter()
        self._video = Video.open(source, request.limits)
        self._count("decode", started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._video.close()

    @property
    def progress(self) -> tuple[int, ...]:
        """Numbers of which one changes while the decoder gets on."""
        return self._video.frames_decoded, self._video.corrupt_packets

    def outline(self) -> Outline:
        return self._video.outline()

    def samples(self) -> Iterator[Sample]:
        from screen_time.preprocessing import prepare

        samples = self._video.samples(self._request.interval_ms, self._request.part)
        while True:
            started = time.perf_counter()
            sample = next(samples, None)
            self._count("decode", started)
            if sample is None:
                return
            started = time.perf_counter()
            # At once, so that no more than one full-size image is ever held.
            small = replace(sample, image=prepare(sample.image, self._request.input))
            self._count("prepare", started)
            yield small

    def decoded(self) -> Decoded:
        video = self._video
        counters = Counters(video.frames_decoded, video.corrupt_packets, video.truncated)
        return Decoded(video.info, video.extent, counters, self._seconds["decode"], self._seconds["prepare"])

    def _count(self, stage: str, started: float) -> None:
        self._seconds[stage] += time.perf_counter() - started
