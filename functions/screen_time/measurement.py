"""One video, one model, one set of probabilities: sample ► classify."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from screen_time.classifier import Answer, Classifier, Probabilities
from screen_time.highlights import Collector, Highlights
from screen_time.manifest import InputSpec
from screen_time.preprocessing import prepare
from screen_time.video import WHOLE_VIDEO, Extent, Outline, Part, Sample, Video, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits

BATCH = 8
"""Frames classified at once: more is no faster on a CPU and holds more memory."""

Progress = Callable[[int], None]
"""Called with the milliseconds of video measured so far."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What was read: decoded frames, packets that could not be decoded, and whether the data ended too early."""

    frames_decoded: int
    corrupt_packets: int
    truncated: bool


@dataclass(slots=True)
class Timings:
    """Seconds of wall time by stage; `decode` holds reading and sampling, `highlight` choosing what to show."""

    decode: float = 0.0
    prepare: float = 0.0
    classify: float = 0.0
    highlight: float = 0.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """Every sample of a video, or of a part of it: `start_ms` and `durations_ms` (n), `probabilities` (n × labels),
    and what to show.

    `extent` tells where the samples begin and end; None where a part has none, which lies behind the video's end.
    """

    info: VideoInfo
    interval_ms: int
    start_ms: tuple[int, ...]
    durations_ms: tuple[int, ...]
    probabilities: Probabilities
    highlights: Highlights
    counters: Counters
    timings: Timings
    extent: Extent | None = None


def outline(source: Path | VideoFile, limits: VideoLimits | None = None) -> Outline:
    """What a video tells of itself, for little reading; closes `source`. Raises VideoError where it is none."""
    with Video.open(source, limits) as video:
        return video.outline()


def measure(
    source: Path | VideoFile,
    classifier: Classifier,
    interval_ms: int = 1000,
    limits: VideoLimits | None = None,
    progress: Progress | None = None,
    part: Part = WHOLE_VIDEO,
) -> Measurement:
    """Sample `source` each `interval_ms` and classify every sample; memory does not grow with the images read.

    Of a `part`, the same samples are measured as the whole video has there. Closes `source`. Raises VideoError where it
    cannot be measured.
    """
    timings = Timings()
    start_ms: list[int] = []
    durations_ms: list[int] = []
    probabilities: list[Probabilities] = [np.empty((0, len(classifier.manifest.labels)), dtype=np.float32)]
    collector = Collector(classifier.manifest)
    with _timed_open(source, limits, timings) as video:
        for batch in _batches(_prepared(_timed(video.samples(interval_ms, part), timings), classifier.input, timings)):
            start_ms += [sample.start_ms for sample in batch]
            durations_ms += [sample.duration_ms for sample in batch]
            probabilities.append(_classify(batch, classifier, collector, timings))
            if progress is not None:
                progress(start_ms[-1] + durations_ms[-1])
        counters = Counters(video.frames_decoded, video.corrupt_packets, video.truncated)
    return Measurement(
        video.info,
        interval_ms,
        tuple(start_ms),
        tuple(durations_ms),
        np.concatenate(probabilities),
        collector.highlights(),
        counters,
        timings,
        video.extent,
    )


def _timed_open(source: Path | VideoFile, limits: VideoLimits | None, timings: Timings) -> Video:
    started = time.perf_counter()
    video = Video.open(source, limits)
    timings.decode += time.perf_counter() - started
    return video


def _timed(samples: Iterator[Sample], timings: Timings) -> Iterator[Sample]:
    while True:
        started = time.perf_counter()
        sample = next(samples, None)
        timings.decode += time.perf_counter() - started
        if sample is None:
            return
        yield sample


def _prepared(samples: Iterator[Sample], spec: InputSpec, timings: Timings) -> Iterator[Sample]:
    """The samples at the model's input size: at once, so that no batch of full-size images is ever held."""
    for sample in samples:
        started = time.perf_counter()
        small = replace(sample, image=prepare(sample.image, spec))
        timings.prepare += time.perf_counter() - started
        yield small


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, BATCH)):
        yield batch


def _classify(batch: list[Sample], classifier: Classifier, collector: Collector, timings: Timings) -> Probabilities:
    started = time.perf_counter()
    frames = np.stack([sample.image for sample in batch])
    answer: Answer = classifier.classify(frames)
    answered = time.perf_counter()
    collector.add([sample.start_ms for sample in batch], frames, answer)
    timings.classify += answered - started
    timings.highlight += time.perf_counter() - answered
    return answer.probabilities
