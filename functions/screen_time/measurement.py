"""One video, one model, one set of probabilities: sample ► classify."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import STREAMS, Answer, Classifier, Probabilities
from screen_time.decoder import ChildDecoder
from screen_time.decoding import Counters, Decoder, Decoding, DecodingRequest
from screen_time.held_frames import HeldFrames
from screen_time.highlights import Collector, Highlights
from screen_time.samples import WHOLE_VIDEO, Extent, Outline, Part, Sample, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits

BATCH = 2 * STREAMS
"""Frames handed to the classifier together: more is no faster, holds more memory, and begins later."""

Progress = Callable[[int], None]
"""Called with the milliseconds of video measured so far."""


@dataclass(slots=True)
class Timings:
    """Seconds of wall time by stage; `decode` holds reading and sampling, `highlight` choosing what to show.

    Stages overlap: the first two run in the decoder's process while the others run in ours.
    """

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


def outline(source: Path | VideoFile, limits: VideoLimits | None = None, *, decoder: Decoder | None = None) -> Outline:
    """What a video tells of itself, for little reading; closes `source`. Raises VideoError where it is none."""
    return (decoder or ChildDecoder()).outline(source, limits or VideoLimits())


def measure(  # noqa: PLR0913 (each from the third on has a default)
    source: Path | VideoFile,
    classifier: Classifier,
    interval_ms: int = 1000,
    limits: VideoLimits | None = None,
    progress: Progress | None = None,
    part: Part = WHOLE_VIDEO,
    *,
    decoder: Decoder | None = None,
    reuse: bool = True,
) -> Measurement:
    """Sample `source` each `interval_ms` and classify every sample; memory does not grow with the images read.

    Of a `part`, the same samples are measured as the whole video has there. The video is decoded in a child process
    unless `decoder` says otherwise, while earlier samples are classified. With `reuse`, a frame that is the same as the
    one before it is not classified again. Closes `source`. Raises VideoError where it cannot be measured.
    """
    request = DecodingRequest(classifier.input, interval_ms, limits or VideoLimits(), part)
    with (decoder or ChildDecoder()).open(source, request) as decoding:
        return measure_decoding(decoding, classifier, interval_ms, progress, reuse=reuse)


def measure_decoding(
    decoding: Decoding,
    classifier: Classifier,
    interval_ms: int,
    progress: Progress | None = None,
    *,
    reuse: bool = True,
) -> Measurement:
    """Like `measure`, of a video that is open already, for the classifier's input; does not close it."""
    timings = Timings()
    start_ms: list[int] = []
    durations_ms: list[int] = []
    probabilities: list[Probabilities] = [np.empty((0, len(classifier.manifest.labels)), dtype=np.float32)]
    collector = Collector(classifier.manifest)
    frames = HeldFrames(classifier, reuse=reuse)
    for batch, answer in _answered(_batches(decoding.samples(), classifier), frames, timings):
        start_ms += batch.start_ms
        durations_ms += batch.durations_ms
        probabilities.append(answer.probabilities)
        started = time.perf_counter()
        collector.add(batch.start_ms, batch.frames, answer)
        timings.highlight += time.perf_counter() - started
        if progress is not None:
            progress(start_ms[-1] + durations_ms[-1])
    decoded = decoding.decoded()
    timings.decode, timings.prepare = decoded.decode_seconds, decoded.prepare_seconds
    return Measurement(
        decoded.info,
        interval_ms,
        tuple(start_ms),
        tuple(durations_ms),
        np.concatenate(probabilities),
        collector.highlights(),
        replace(decoded.counters, samples_reused=frames.reused),
        timings,
        decoded.extent,
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Consecutive samples: their times (n) and their frames (n × height × width × 3)."""

    start_ms: list[int]
    durations_ms: list[int]
    frames: NDArray[np.uint8]


def _batches(samples: Iterator[Sample], classifier: Classifier) -> Iterator[_Batch]:
    """The samples in batches, whose frames are overwritten by the next batch but one."""
    size = (BATCH, classifier.input.height, classifier.input.width, 3)
    for frames in itertools.cycle([np.empty(size, dtype=np.uint8), np.empty(size, dtype=np.uint8)]):
        batch = _Batch([], [], frames)
        for sample in itertools.islice(samples, BATCH):
            frames[len(batch.start_ms)] = sample.image
            batch.start_ms.append(sample.start_ms)
            batch.durations_ms.append(sample.duration_ms)
        if not batch.start_ms:
            return
        yield replace(batch, frames=frames[: len(batch.start_ms)])


def _answered(batches: Iterator[_Batch], frames: HeldFrames, timings: Timings) -> Iterator[tuple[_Batch, Answer]]:
    """Each batch with its answer, while the next one is classified."""

    def classify(batch: _Batch) -> Answer:
        started = time.perf_counter()
        answer = frames.classify(batch.frames)
        timings.classify += time.perf_counter() - started
        return answer

    before: tuple[_Batch, Future[Answer]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="classify") as worker:
        for batch in batches:
            answer = worker.submit(classify, batch)
            if before is not None:
                yield before[0], before[1].result()
            before = batch, answer
        if before is not None:
            yield before[0], before[1].result()
