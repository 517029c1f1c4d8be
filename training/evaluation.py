"""How good answers are: scores of probabilities against what the frames show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import InputSpec, Manifest, Semantics
from screen_time.summary import presence
from training.dataset import Targets
from training.labels import LabelScheme

PLAIN_THRESHOLD = 0.5
"""The probability from which an independent label counts as present, where nothing says better."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label's scores; 0 where nothing of it was predicted or nothing was there. `support`: frames that show it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of some tested frames. Seconds are sums of the durations that frames stand for.

    `accuracy` is the share of frames whose answer is right in whole: for independent labels, every label of them.
    `confusion` has, for exclusive labels, one matrix of labels × labels (row: shown, column: predicted), for
    independent ones a 2 × 2 matrix for each label.
    """

    frames: int
    accuracy: float
    macro_f1: float
    labels: Mapping[str, LabelScore]
    confusion: NDArray[np.int64]
    seconds_predicted: Mapping[str, float]
    seconds_true: Mapping[str, float]
    duration_seconds: float

    def seconds_error(self, label: str) -> float:
        """Predicted minus true seconds of `label`, in percent of the duration."""
        return 100 * (self.seconds_predicted[label] - self.seconds_true[label]) / self.duration_seconds

    def metrics(self) -> dict[str, float]:
        """The figures by the names under which they are logged."""
        per_label = {
            f"{label}_{name}": getattr(score, name)
            for label, score in self.labels.items()
            for name in ("precision", "recall", "f1")
        }
        errors = {f"{label}_seconds_error_percent": self.seconds_error(label) for label in self.labels}
        return {"accuracy": self.accuracy, "macro_f1": self.macro_f1, "frames": self.frames, **per_label, **errors}


@dataclass(frozen=True, slots=True)
class Answers:
    """Tested frames: indices into the dataset (n), probabilities and targets (n × labels), milliseconds (n)."""

    indices: NDArray[np.int64]
    probabilities: Probabilities
    targets: Targets
    durations_ms: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """The answers of several folds as one."""
        return cls(
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.durations_ms for part in parts]),
        )

    def chosen(self, which: NDArray[Any]) -> Self:
        """Some of the answers, by a mask or by positions."""
        return type(self)(self.indices[which], self.probabilities[which], self.targets[which], self.durations_ms[which])

    def losses(self) -> NDArray[np.float64]:
        """How wrong each answer is (n): the negative logarithm of the probability given to what was shown."""
        given = np.where(self.targets == 1, self.probabilities, 1 - self.probabilities).astype(np.float64)
        return np.asarray(-np.log(np.clip(given, 1e-9, 1)).sum(axis=1))


def score(answers: Answers, manifest: Manifest, present: NDArray[np.bool_] | None = None) -> Scores:
    """Scores of `answers` to the labels of `manifest`, by the rule that the function itself applies.

    `present` (n × labels) is what was counted, where frames were counted by different thresholds.
    """
    from sklearn.metrics import precision_recall_fscore_support

    shown = answers.targets == 1
    if present is None:
        present = presence(answers.probabilities, manifest)
    columns = precision_recall_fscore_support(shown, present, average=None, zero_division=0)
    labels = {
        label: LabelScore(float(precision), float(recall), float(f1), int(support))
        for label, precision, recall, f1, support in zip(manifest.labels, *columns, strict=True)
    }
    return Scores(
        frames=len(shown),
        accuracy=float((shown == present).all(axis=1).mean()),
        macro_f1=float(np.mean([each.f1 for each in labels.values()])),
        labels=labels,
        confusion=_confusion(shown, present, manifest.semantics),
        seconds_predicted=_seconds(present, answers.durations_ms, manifest),
        seconds_true=_seconds(shown, answers.durations_ms, manifest),
        duration_seconds=float(answers.durations_ms.sum() / 1000),
    )


def draft_manifest(scheme: LabelScheme, spec: InputSpec, head: str) -> Manifest:
    """What the manifest of a model will say, before there are files."""
    independent = scheme.semantics is Semantics.INDEPENDENT
    return Manifest(
        labels=scheme.labels,
        semantics=scheme.semantics,
        nobody=scheme.nobody,
        thresholds=(PLAIN_THRESHOLD,) * len(scheme.labels) if independent else (),
        input=spec,
        head=head,
        form="",
        files={},
    )


def mistakes(answers: Answers, manifest: Manifest) -> NDArray[np.int64]:
    """Positions in `answers` of the wrong ones, the worst first."""
    wrong = (presence(answers.probabilities, manifest) != (answers.targets == 1)).any(axis=1)
    order = np.argsort(-answers.losses(), kind="stable")
    return np.asarray(order[wrong[order]])


def _confusion(shown: NDArray[np.bool_], present: NDArray[np.bool_], semantics: Semantics) -> NDArray[np.int64]:
    from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

    if semantics is Semantics.INDEPENDENT:
        return np.asarray(multilabel_confusion_matrix(shown, present), dtype=np.int64)
    labels = range(shown.shape[1])
    return np.asarray(confusion_matrix(shown.argmax(axis=1), present.argmax(axis=1), labels=labels), dtype=np.int64)


def _seconds(present: NDArray[np.bool_], durations_ms: NDArray[np.int64], manifest: Manifest) -> dict[str, float]:
    totals = (present * durations_ms[:, None]).sum(axis=0) / 1000
    return dict(zip(manifest.labels, map(float, totals), strict=True))
