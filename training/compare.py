"""Two registered versions on one labelled video, which is decoded once for both."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from screen_time.classifier import AT_ONCE, Classifier
from screen_time.manifest import Manifest, Semantics
from screen_time.preprocessing import prepare
from screen_time.samples import Frame, Sample
from screen_time.summary import presence
from training.answers_file import NamedAnswer, NamedAnswers, Names, names_of
from training.comparison import Comparison, Side, compare_answers
from training.dataset import LabelledVideo, file_sha256, labelled_samples
from training.errors import LabelError
from training.labels import LabelFile, LabelledTime, interval_ms, is_nobody, read_label_file
from training.model_names import ALIAS, MODEL_NAME
from training.registry import ResolvedModel, learned_from, resolve
from training.reporting import Reporter, Silent

PICTURES = 24
"""How many of the frames where the two disagree are kept as pictures."""

PICTURE_WIDTH = 320


@dataclass(frozen=True, slots=True)
class VideoComparison:
    """Challenger and champion on a labelled video; `pictures` are JPEGs of some disagreements by their time in ms."""

    video: str
    challenger: ResolvedModel
    champion: ResolvedModel
    comparison: Comparison
    answers: tuple[NamedAnswers, NamedAnswers]
    pictures: Mapping[int, bytes]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document that `screen-time compare --json` writes."""
        found = self.comparison
        return {
            "video": self.video,
            "frames": found.frames,
            "duration_seconds": found.duration_seconds,
            "true_seconds": dict(found.true_seconds),
            "challenger": _side(self.challenger, found.challenger),
            "champion": _side(self.champion, found.champion),
            "accuracy_difference": {
                "estimate": found.difference.estimate,
                "interval_95": [found.difference.low, found.difference.high],
                "mcnemar_p": found.difference.p,
                "verdict": found.difference.verdict,
            },
            "notes": list(self.notes),
            "disagreements": [self._disagreement(key) for key in found.disagreements],
        }

    def _disagreement(self, key: tuple[str, int]) -> dict[str, Any]:
        one, other = (answers[key] for answers in self.answers)
        return {
            "time": key[1] / 1000,
            "shown": sorted(one.shown),
            "challenger": sorted(one.said),
            "champion": sorted(other.said),
        }


@dataclass(slots=True)
class _Pictures:
    """The frames where exactly one of the two is right, first, then the other disagreements; a bounded number."""

    kept: list[tuple[int, int, bytes]] = field(default_factory=list)

    def offer(self, sample: Sample, one: NamedAnswer, other: NamedAnswer) -> None:
        rank = int(one.right != other.right)
        if one.said == other.said or (len(self.kept) == PICTURES and (rank, -sample.start_ms) <= self.kept[0][:2]):
            return
        keep = heapq.heappush if len(self.kept) < PICTURES else heapq.heapreplace
        keep(self.kept, (rank, -sample.start_ms, _jpeg(sample.image)))

    def by_time(self) -> dict[int, bytes]:
        return {-negative: picture for _, negative, picture in sorted(self.kept, key=lambda each: -each[1])}


def model_uri(version: str) -> str:
    """A version's number, an alias, or a model URI as a model URI."""
    if version.isdigit():
        return f"models:/{MODEL_NAME}/{version}"
    return f"models:/{MODEL_NAME}@{version}" if version.isidentifier() else version


def compare_on_video(
    pair: LabelledVideo, challenger: str, champion: str = ALIAS, reporter: Reporter | None = None
) -> VideoComparison:
    """Let two versions (numbers, aliases or URIs) answer every labelled, certain frame of a video.

    Raises LabelError where the labels do not fit video or versions, ModelError or RegistryError where a version cannot
    be had.
    """
    reporter = reporter or Silent()
    reporter.stage("Fetching two models")
    models = [resolve(model_uri(version)) for version in (challenger, champion)]
    classifiers = [Classifier.load(model.directory, model.digest) for model in models]
    file = _read_labels(pair.labels, [classifier.manifest for classifier in classifiers])
    answers: tuple[NamedAnswers, NamedAnswers] = ({}, {})
    pictures = _Pictures()
    reporter.stage("Classifying labelled frames twice", sum(not labelled.uncertain for labelled in file.times))
    for batch in _batches(labelled_samples(pair.video, file, interval_ms([file]))):
        said = [_said([sample.image for sample, _ in batch], classifier) for classifier in classifiers]
        for row, (sample, labelled) in enumerate(batch):
            found = [_answer(sample, labelled, each[row]) for each in said]
            for side, answer in zip(answers, found, strict=True):
                side[pair.video.name, sample.start_ms] = answer
            pictures.offer(sample, found[0], found[1])
        reporter.advance(len(batch))
    comparison = compare_answers(*answers)
    notes = (*file.notes, *_memorised(pair.video, models))
    return VideoComparison(pair.video.name, models[0], models[1], comparison, answers, pictures.by_time(), notes)


def _read_labels(path: Path, manifests: list[Manifest]) -> LabelFile:
    """The label file, numbers standing for the labels of a model that has one label a frame and knows them all."""
    file = _first_reading(path, [each.labels for each in manifests if each.semantics is Semantics.EXCLUSIVE])
    known = {label for manifest in manifests for label in manifest.labels}
    unknown = sorted({name for each in file.times for name in each.labels if not is_nobody(name)} - known)
    if unknown:
        raise LabelError(f"{path} has the class {unknown[0]}, which neither model knows.")
    if all(labelled.uncertain for labelled in file.times):
        raise LabelError(f"{path} marks every frame as uncertain; there is nothing to compare.")
    return file


def _memorised(video: Path, models: list[ResolvedModel]) -> Iterator[str]:
    """A sentence for each version that has learned from this very video."""
    digest = "" if video.is_dir() else file_sha256(video)
    for model in models:
        if digest in learned_from(model.run_id):
            yield (
                f"Version {model.version} has learned from {video.name}: how it does there says nothing of how it does "
                "elsewhere; compare on a video that neither has seen."
            )


def _first_reading(path: Path, namings: list[tuple[str, ...]]) -> LabelFile:
    """The file under the first naming that it fits, or under none; raises the first LabelError where it fits none."""
    errors: list[LabelError] = []
    for classes in (*namings, ()):
        try:
            return read_label_file(path, classes)
        except LabelError as error:
            errors.append(error)
    raise errors[0]


def _batches(
    samples: Iterator[tuple[Sample, LabelledTime]],
) -> Iterator[list[tuple[Sample, LabelledTime]]]:
    while batch := list(islice(samples, AT_ONCE)):
        yield batch


def _said(images: list[Frame], classifier: Classifier) -> list[Names]:
    """Who a model sees in each of the images."""
    prepared = np.stack([prepare(image, classifier.input) for image in images])
    present = presence(classifier.classify(prepared).probabilities, classifier.manifest)
    return [names_of(row, classifier.manifest) for row in present]


def _answer(sample: Sample, labelled: LabelledTime, said: Names) -> NamedAnswer:
    shown = frozenset(name for name in labelled.labels if not is_nobody(name))
    return NamedAnswer(sample.duration_ms, labelled.group or "", shown, said)


def _jpeg(image: Frame) -> bytes:
    height = max(1, round(image.shape[0] * PICTURE_WIDTH / image.shape[1]))
    small = cv2.resize(image, (PICTURE_WIDTH, height), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def _side(model: ResolvedModel, side: Side) -> dict[str, Any]:
    return {
        "uri": model.uri,
        "version": model.version,
        "accuracy": side.accuracy,
        "f1": dict(side.f1),
        "seconds": dict(side.seconds),
    }
