"""Results of videos that nobody had to decode: a document and the measurement it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Answer, Probabilities
from screen_time.decoding import Counters
from screen_time.documents import Document, ModelIdentity, Request, VideoSource, result_document
from screen_time.highlights import Collector
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from screen_time.measurement import Measurement, Timings
from screen_time.report.page import report_html
from screen_time.samples import VideoInfo

MODEL = ModelIdentity("screen-time", "7", "champion", "run-1", "ab" * 32)
HEIGHT, WIDTH = 90, 160
BATCH = 32


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything about one measured video."""

    document: Document
    measurement: Measurement
    manifest: Manifest

    def report(self, video_addresses: Sequence[str] = ()) -> bytes:
        """Its `report.html`."""
        return report_html(self.document, self.measurement, self.manifest, video_addresses)


def measured(
    probabilities: Probabilities | Sequence[Sequence[float]],
    labels: tuple[str, ...] = ("jerry", "tom"),
    *,
    key: str = "incoming/ep 1.mp4",
    bucket: str | None = "videos",
    nobody: str | None = None,
    frame_rate: Fraction | None = Fraction(25),
    interval_ms: int = 1000,
    last_ms: int | None = None,
    pictures: NDArray[np.uint8] | None = None,
    maps: bool = True,
    semantics: Semantics | None = None,
) -> Measured:
    """The result of a video with these probabilities (n × labels), a sample each `interval_ms`, the last `last_ms`.

    Labels are independent unless one of them is for `nobody`. The samples' frames are `pictures` in turn, else drawn.
    """
    rows = np.asarray(probabilities, dtype=np.float32)
    kind = semantics or (Semantics.INDEPENDENT if nobody is None else Semantics.EXCLUSIVE)
    thresholds = (0.5,) * len(labels) if kind is Semantics.INDEPENDENT else ()
    spec = InputSpec(HEIGHT, WIDTH, Fit.PAD)
    manifest = Manifest(labels, kind, nobody, thresholds, spec, "pooled", "openvino-int8", {})
    drawn = _pictures() if pictures is None else pictures
    starts = tuple(range(0, interval_ms * len(rows), interval_ms))
    collector = Collector(manifest)
    for first in range(0, len(rows), BATCH):
        part = rows[first : first + BATCH]
        frames = drawn[np.arange(first, first + len(part)) % len(drawn)]
        answer = Answer(part, _maps(first, len(part), len(labels)) if maps else None)
        collector.add(starts[first : first + len(part)], frames, answer)
    measurement = Measurement(
        info=VideoInfo("mov,mp4", "h264", 640, 360, 0, frame_rate),
        interval_ms=interval_ms,
        start_ms=starts,
        durations_ms=(*(interval_ms,) * (len(rows) - 1), last_ms or interval_ms),
        probabilities=rows,
        highlights=collector.highlights(),
        counters=Counters(25 * len(rows), 0, truncated=False),
        timings=Timings(1.0, 0.1, 2.0),
    )
    source = VideoSource(bucket, key, "v1", "etag", 5_000_000)
    document = result_document(source, MODEL, manifest, measurement, Request("request-1", {"total": 3.0}))
    return Measured(document, measurement, manifest)


def scenes(seconds: int, characters: int = 2, seed: int = 1, longest: int = 20) -> Probabilities:
    """Probabilities of independent characters who come and go, surer of some scenes than of others."""
    random = np.random.default_rng(seed)
    rows = np.zeros((seconds, characters), dtype=np.float32)
    for column in range(characters):
        second = 0
        while second < seconds:
            length = int(random.integers(1, longest + 1))
            scene = rows[second : second + length, column]
            scene[:] = random.beta(9, 1.5, len(scene)) if random.random() < 0.45 else random.beta(1.2, 9, len(scene))
            second += length
    return rows


def _pictures() -> NDArray[np.uint8]:
    """Eight small scenes, each of its own colours."""
    scenery = np.zeros((8, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number, picture in enumerate(scenery):
        picture[:] = (60 + 20 * number, 150, 210 - 20 * number)
        cv2.rectangle(picture, (0, 62), (WIDTH, HEIGHT), (90, 130 - 10 * number, 60), -1)
        cv2.circle(picture, (20 + 16 * number, 50), 18, (240, 200, 40 + 20 * number), -1)
    return scenery


def _maps(first: int, number: int, labels: int) -> NDArray[np.float32]:
    """For each sample and label, one place that mattered."""
    maps = np.full((number, 5, 9, labels), 0.1, dtype=np.float32)
    for index in range(number):
        maps[index, 2:4, (first + index) % 8, :] = 1.0
    return maps
