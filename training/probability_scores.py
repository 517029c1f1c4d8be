"""How much probabilities can be believed: Brier score, expected calibration error, average precision."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest, Semantics
from training.evaluation import Answers

BINS = 15
"""Of equal width in 0 … 1, as the expected calibration error is usually stated (Guo et al., 2017)."""


DRAWS = 50
"""How often truths are drawn to see what chance does."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers of about the same confidence: how many, their mean confidence, and the share that came true."""

    count: int
    confidence: float
    frequency: float


@dataclass(frozen=True, slots=True)
class ProbabilityScores:
    """`brier`: mean squared error of a frame's probabilities, summed over exclusive labels, averaged over independent
    ones. `ece`: expected calibration error over 15 bins of equal width: of the most probable label's probability, or
    the mean over independent labels of each one's. `ece_by_chance`: what it would be on average if the probabilities
    were exactly right: few frames scatter, and no model can be expected to be below. `average_precision`: for each
    independent label; None where no frame shows it.
    """

    brier: float
    ece: float
    ece_by_chance: float
    average_precision: Mapping[str, float | None]

    def metrics(self) -> dict[str, float]:
        """The figures by the names under which they are logged."""
        precisions = {
            f"{label}_average_precision": each for label, each in self.average_precision.items() if each is not None
        }
        return {"brier": self.brier, "ece": self.ece, "ece_by_chance": self.ece_by_chance, **precisions}


def probability_scores(answers: Answers, manifest: Manifest) -> ProbabilityScores:
    """Scores of the probabilities themselves, whatever is counted as present."""
    squares = (answers.probabilities.astype(np.float64) - answers.targets) ** 2
    exclusive = manifest.semantics is Semantics.EXCLUSIVE
    return ProbabilityScores(
        brier=float((squares.sum(axis=1) if exclusive else squares.mean(axis=1)).mean()),
        ece=float(np.mean([_error(bins) for bins in reliability(answers, manifest).values()])),
        ece_by_chance=_by_chance(answers, manifest),
        average_precision={} if exclusive else _average_precision(answers, manifest),
    )


def reliability(answers: Answers, manifest: Manifest) -> dict[str, tuple[ReliabilityBin, ...]]:
    """The bins that are not empty, in order: of the most probable label, or of each independent one."""
    return {name: _bins(confidence, true) for name, (confidence, true) in _claims(answers, manifest).items()}


def _claims(answers: Answers, manifest: Manifest) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """What is claimed with which confidence, and whether it is true (n each): of one label, or of each."""
    shown = answers.targets == 1
    if manifest.semantics is Semantics.INDEPENDENT:
        columns = zip(manifest.labels, answers.probabilities.T, shown.T, strict=True)
        return {label: (confidence, true) for label, confidence, true in columns}
    best = answers.probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    return {"most probable label": (answers.probabilities[rows, best], shown[rows, best])}


def _by_chance(answers: Answers, manifest: Manifest) -> float:
    """The mean calibration error where what comes true is drawn from the probabilities themselves."""
    random = np.random.default_rng(0)
    return float(
        np.mean(
            [
                _error(_bins(confidence, random.random(len(confidence)) < confidence))
                for confidence, _ in _claims(answers, manifest).values()
                for _ in range(DRAWS)
            ]
        )
    )


def _bins(confidence: NDArray[np.float32], true: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    which = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return tuple(
        ReliabilityBin(int(here.sum()), float(confidence[here].mean()), float(true[here].mean()))
        for here in (which == each for each in range(BINS))
        if here.any()
    )


def _error(bins: tuple[ReliabilityBin, ...]) -> float:
    weights = [each.count for each in bins]
    return float(np.average([abs(each.confidence - each.frequency) for each in bins], weights=weights))


def _average_precision(answers: Answers, manifest: Manifest) -> dict[str, float | None]:
    from sklearn.metrics import average_precision_score

    shown = answers.targets == 1
    return {
        label: float(average_precision_score(shown[:, column], answers.probabilities[:, column]))
        if shown[:, column].any()
        else None
        for column, label in enumerate(manifest.labels)
    }
