"""One video, one model, one set of probabilities: sample ► classify."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from screen_time.classifier import AT_ONCE, Answer, Classifier, Line, Probabilities
from screen_time.decoder import ChildDecoder
from screen_time.decoding import Counters, Decoder, Decoding, DecodingRequest
from screen_time.held_frames import HeldFrames
from screen_time.highlights import Collector, Highlights
from screen_time.samples import WHOLE_VIDEO, Extent, Outline, Part, Sample, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits

Progress = Callable[[int], None]
"""Called with the milliseconds of video measured so far."""


@dataclass(slots=True)
class Timings:
    """Seconds of wall time by stage; `decode` holds reading and sampling, `highlight` choosing what to show.

    Stages overlap: the first two run in the decoder's process, and the model has other frames than those to choose of.
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
    held, line = HeldFrames(reuse=reuse), classifier.line()
    for sample, answer in _answered(decoding.samples(), held, line):
        start_ms.append(sample.start_ms)
        durations_ms.append(sample.duration_ms)
        probabilities.append(answer.probabilities)
        started = time.perf_counter()
        collector.add([sample.start_ms], sample.image[None], answer)
        timings.highlight += time.perf_counter() - started
        if progress is not None:
            progress(sample.start_ms + sample.duration_ms)
    decoded = decoding.decoded()
    timings.decode, timings.prepare, timings.classify = decoded.decode_seconds, decoded.prepare_seconds, line.seconds
    return Measurement(
        decoded.info,
        interval_ms,
        tuple(start_ms),
        tuple(durations_ms),
        np.concatenate(probabilities),
        collector.highlights(),
        replace(decoded.counters, samples_reused=held.reused),
        timings,
        decoded.extent,
    )


def _answered(samples: Iterator[Sample], held: HeldFrames, line: Line) -> Iterator[tuple[Sample, Answer]]:
    """Each sample with its answer, while the ones behind it are decoded and classified."""
    answer: Answer | None = None
    for sample, is_held in _lined_up(samples, held, line):
        if answer is None or not is_held:
            answer = line.take()
        yield sample, answer


def _lined_up(samples: Iterator[Sample], held: HeldFrames, line: Line) -> Iterator[tuple[Sample, bool]]:
    """Each sample, and whether it is held: it has no place in the line. AT_ONCE samples are ahead of the one given."""
    ahead: deque[tuple[Sample, bool]] = deque()
    for sample in samples:
        if len(ahead) == AT_ONCE:
            yield ahead.popleft()
        own = replace(sample, image=sample.image.copy())
        is_held = held.is_held(own.image)
        if not is_held:
            line.put(own.image)
        ahead.append((own, is_held))
    yield from ahead
