"""A registered model, in the form that the function serves, against a labelled video."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from screen_time.classifier import AT_ONCE, Classifier
from screen_time.manifest import Manifest, Semantics
from screen_time.preprocessing import prepare
from training.dataset import LabelledVideo, Targets, labelled_samples
from training.errors import LabelError
from training.evaluation import Answers, Scores, score
from training.labels import NOBODY_NAMES, LabelFile, LabelledTime, interval_ms, read_label_file
from training.model_names import DEFAULT_MODEL
from training.probability_scores import ProbabilityScores, probability_scores
from training.registry import ResolvedModel, resolve
from training.reporting import Reporter, Silent


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's scores on a labelled video."""

    model: ResolvedModel
    manifest: Manifest
    scores: Scores
    probability_scores: ProbabilityScores
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document that `screen-time evaluate --json` writes."""
        return {
            "model": {"uri": self.model.uri, "version": self.model.version, "digest": self.model.digest},
            "frames": self.scores.frames,
            "accuracy": self.scores.accuracy,
            "macro_f1": self.scores.macro_f1,
            "per_class": {label: asdict(each) for label, each in self.scores.labels.items()},
            "seconds": {"predicted": dict(self.scores.seconds_predicted), "true": dict(self.scores.seconds_true)},
            "duration_seconds": self.scores.duration_seconds,
            **asdict(self.probability_scores),
        }


def evaluate(pair: LabelledVideo, uri: str = DEFAULT_MODEL, reporter: Reporter | None = None) -> Evaluation:
    """Classify every labelled, certain frame of a video and compare.

    Seconds and duration are those of the labelled frames. Raises LabelError where the labels do not fit video or
    model, ModelError or RegistryError where the model cannot be had.
    """
    reporter = reporter or Silent()
    reporter.stage("Fetching the model")
    model = resolve(uri)
    classifier = Classifier.load(model.directory, model.digest)
    manifest = classifier.manifest
    file = _read_labels(pair.labels, manifest)
    reporter.stage("Classifying labelled frames", sum(not labelled.uncertain for labelled in file.times))
    answers = Answers.joined(list(_answers(pair, file, classifier, reporter)))
    return Evaluation(model, manifest, score(answers, manifest), probability_scores(answers, manifest), file.notes)


def _read_labels(path: Path, manifest: Manifest) -> LabelFile:
    """The label file, numbers standing for the model's labels; raises LabelError where the model lacks a label."""
    classes = manifest.labels if manifest.semantics is Semantics.EXCLUSIVE else ()
    file = read_label_file(path, classes)
    for labelled in file.times:
        unknown = sorted(_characters(labelled) - set(manifest.labels))
        if unknown:
            known = ", ".join(manifest.labels)
            raise LabelError(f"{path} has the class {unknown[0]}, which the model does not know; it knows {known}.")
    if all(labelled.uncertain for labelled in file.times):
        raise LabelError(f"{path} marks every frame as uncertain; there is nothing to compare.")
    return file


def _characters(labelled: LabelledTime) -> set[str]:
    return {label for label in labelled.labels if label.lower() not in NOBODY_NAMES}


def _answers(pair: LabelledVideo, file: LabelFile, classifier: Classifier, reporter: Reporter) -> Iterator[Answers]:
    """The model's answers, a batch at a time."""
    samples = enumerate(labelled_samples(pair.video, file, interval_ms([file])))
    while batch := [
        (index, prepare(sample.image, classifier.input), sample.duration_ms, labelled)
        for index, (sample, labelled) in islice(samples, AT_ONCE)
    ]:
        indices, frames, durations, labels = zip(*batch, strict=True)
        probabilities = classifier.probabilities(np.stack(frames))
        targets = np.stack([_target(labelled, classifier.manifest) for labelled in labels])
        yield Answers(np.array(indices), probabilities, targets, np.array(durations, dtype=np.int64))
        reporter.advance(len(batch))


def _target(labelled: LabelledTime, manifest: Manifest) -> Targets:
    """1 for each label that the frame shows (labels), whichever layout said so; nobody's where it shows none."""
    shown = _characters(labelled)
    nobody = manifest.nobody if not shown else None
    return np.array([label in shown or label == nobody for label in manifest.labels], dtype=np.float32)
