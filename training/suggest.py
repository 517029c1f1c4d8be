"""A video's frames that are worth labelling next, as images and a label file that the model has filled in."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import AT_ONCE, Classifier, Probabilities
from screen_time.manifest import Manifest, Semantics
from screen_time.preprocessing import prepare
from screen_time.samples import Frame, Sample
from screen_time.summary import margins, presence
from screen_time.video import Video
from training.frames import LABELS_NAME, refuse_filled, write_image
from training.labels import frame_name
from training.model_names import DEFAULT_MODEL
from training.registry import resolve
from training.reporting import Reporter, Silent
from training.suggestion import choose, gap_ms

DEFAULT_COUNT = 20
THUMBNAIL = (16, 9)
"""Width and height, in pixels, at which frames are compared: shots differ, movements hardly."""


@dataclass(frozen=True, slots=True)
class SuggestedFrame:
    """A frame as it was written: its time, the model's answer, and how near that is to another one (0: no lead)."""

    time_ms: int
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    margin: float

    @property
    def name(self) -> str:
        """Its file's name."""
        return frame_name(self.time_ms)


@dataclass(frozen=True, slots=True)
class SuggestedFrames:
    """The most worth labelling first; `labels` is the file that names them all, in order of time."""

    frames: tuple[SuggestedFrame, ...]
    labels: Path


@dataclass(slots=True)
class _Seen:
    """Every sample of the video: time, probabilities and thumbnail (n each), and the whole duration, in ms."""

    times_ms: list[int]
    probabilities: Probabilities
    thumbnails: NDArray[np.uint8]
    duration_ms: int


def suggest(
    video: Path,
    folder: Path,
    interval_ms: int,
    count: int = DEFAULT_COUNT,
    uri: str = DEFAULT_MODEL,
    reporter: Reporter | None = None,
) -> SuggestedFrames:
    """Write up to `count` frames of `video` as frame<second>.jpg, with a labels.csv that says what the model thinks.

    A labels.csv in which something is filled in is never replaced: then LabelError is raised and nothing is written.
    Raises VideoError where the video cannot be read, ModelError or RegistryError where the model cannot be had.
    """
    reporter = reporter or Silent()
    refuse_filled(folder / LABELS_NAME)
    reporter.stage("Fetching the model")
    model = resolve(uri)
    classifier = Classifier.load(model.directory, model.digest)
    reporter.stage("Looking at the video")
    seen = _look(video, classifier, interval_ms, reporter)
    chosen = _chosen(seen, classifier.manifest, count)
    reporter.stage("Writing frames", len(chosen))
    folder.mkdir(parents=True, exist_ok=True)
    _write_images(video, folder, interval_ms, {frame.time_ms for frame in chosen}, reporter)
    _write_labels(folder / LABELS_NAME, chosen, classifier.manifest)
    return SuggestedFrames(chosen, folder / LABELS_NAME)


def _look(video: Path, classifier: Classifier, interval_ms: int, reporter: Reporter) -> _Seen:
    """Classify every sample; of the images, only thumbnails are kept."""
    times: list[int] = []
    probabilities: list[Probabilities] = []
    thumbnails: list[Frame] = []
    end_ms = 0
    with Video.open(video) as opened:
        for batch in _batches(opened.samples(interval_ms)):
            times += [sample.start_ms for sample in batch]
            end_ms = batch[-1].start_ms + batch[-1].duration_ms
            thumbnails += [_thumbnail(sample.image) for sample in batch]
            prepared = np.stack([prepare(sample.image, classifier.input) for sample in batch])
            probabilities.append(classifier.probabilities(prepared))
            reporter.advance(len(batch))
    return _Seen(times, np.concatenate(probabilities), np.stack(thumbnails), end_ms)


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, AT_ONCE)):
        yield batch


def _thumbnail(image: Frame) -> Frame:
    return np.asarray(cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _chosen(seen: _Seen, manifest: Manifest, count: int) -> tuple[SuggestedFrame, ...]:
    """What the model says of the frames that are worth labelling."""
    leads, present = margins(seen.probabilities, manifest), presence(seen.probabilities, manifest)
    features = seen.thumbnails.reshape(len(seen.times_ms), -1).astype(np.float32) / np.float32(255)
    return tuple(
        SuggestedFrame(
            seen.times_ms[index],
            tuple(label for label, there in zip(manifest.labels, present[index], strict=True) if there),
            dict(zip(manifest.labels, seen.probabilities[index].tolist(), strict=True)),
            float(leads[index]),
        )
        for index in choose(seen.times_ms, leads, features, count, gap_ms(seen.duration_ms, count))
    )


def _write_images(video: Path, folder: Path, interval_ms: int, times_ms: set[int], reporter: Reporter) -> None:
    left = set(times_ms)
    with Video.open(video) as opened:
        for sample in opened.samples(interval_ms):
            if sample.start_ms in left:
                write_image(folder / frame_name(sample.start_ms), sample.image)
                reporter.advance()
                left.remove(sample.start_ms)
            if not left:
                return


def _write_labels(path: Path, frames: tuple[SuggestedFrame, ...], manifest: Manifest) -> None:
    """The model's answers in the layout that fits its labels; a person corrects them, or marks them as uncertain."""
    exclusive = manifest.semantics is Semantics.EXCLUSIVE
    columns = ("Class",) if exclusive else manifest.labels
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("Image_ID", *columns, "uncertain"))
        for frame in sorted(frames, key=lambda frame: frame.time_ms):
            cells = frame.labels if exclusive else [int(label in frame.labels) for label in manifest.labels]
            writer.writerow((frame.name, *cells, 0))
