"""What is learned from a head's out-of-fold answers: how to read its probabilities, and how far to trust totals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from screen_time.summary import presence
from training.calibration import Calibration, crossfitted, fit_calibration
from training.evaluation import Answers
from training.intervals import fit_dispersions, interval_coverage
from training.probability_scores import ProbabilityScores, probability_scores
from training.thresholds import STRENGTHS, counted_out_of_fold, fit_thresholds, plain_thresholds

FAIR_SHARE = 0.03
"""Of the time: counted seconds that are no further off are fair enough, and then the most right frames decide."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """`calibration` and `manifest` (thresholds, dispersions) are for serving, fitted to all answers.

    The rest is honest about them: `answers` and `present` (n × labels, what counts) come of calibrations and thresholds
    that were fitted to other folds, and so do `scores`; `raw_scores` are those of the head's own probabilities.
    `coverage` is the share of windows whose intervals hold the true seconds; None where there are too few.
    """

    calibration: Calibration
    manifest: Manifest
    answers: Answers
    present: NDArray[np.bool_]
    scores: ProbabilityScores
    raw_scores: ProbabilityScores
    coverage: float | None

    @property
    def thresholds(self) -> tuple[float, ...]:
        """A label each; empty where the most probable label counts."""
        return self.manifest.thresholds

    @property
    def dispersions(self) -> tuple[float, ...]:
        """A label each, and nobody's; empty where there are too few answers to tell."""
        return self.manifest.dispersions

    def metrics(self) -> dict[str, float]:
        """The figures by the names under which they are logged."""
        coverage = {} if self.coverage is None else {"interval_coverage": self.coverage}
        raw = {"uncalibrated_brier": self.raw_scores.brier, "uncalibrated_ece": self.raw_scores.ece}
        return {**self.scores.metrics(), **raw, **coverage}

    def parameters(self) -> Mapping[str, float]:
        """What was fitted, by the names under which it is logged."""
        labels = self.manifest.labels
        thresholds = dict(zip((f"threshold_{label}" for label in labels), self.thresholds, strict=False))
        names = (f"dispersion_{label}" for label in (*labels, "nobody"))
        return {**self.calibration.parameters(labels), **thresholds, **dict(zip(names, self.dispersions, strict=False))}


def fit_certainty(
    answers: Answers, manifest: Manifest, folds: NDArray[np.int64], videos: NDArray[np.int64]
) -> Certainty:
    """Learn from a head's answers, out of fold and as the head gives them.

    `folds` (n) tells which fold tested each answer, `videos` (n) which video it is of. With fewer than two folds
    nothing can be fitted and tested: then nothing is changed.
    """
    raw = probability_scores(answers, manifest)
    if np.unique(folds).size < 2:
        plain = replace(manifest, thresholds=plain_thresholds(manifest))
        present = presence(answers.probabilities, plain)
        return Certainty(Calibration.identity(manifest), plain, answers, present, raw, raw, None)
    best = _best(list(_trials(answers, manifest, folds)))
    honest = best.answers
    decided = replace(manifest, thresholds=fit_thresholds(honest, manifest, best.strength))
    return Certainty(
        calibration=fit_calibration(answers, manifest, offsets=best.offsets),
        manifest=replace(decided, dispersions=fit_dispersions(honest, decided, videos)),
        answers=honest,
        present=best.present,
        scores=probability_scores(honest, manifest),
        raw_scores=raw,
        coverage=interval_coverage(honest, decided, videos),
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    """A calibration with or without `offsets`, which move answers, and thresholds of some strength.

    `answers` are calibrated and `present` is counted by what the other folds say.
    """

    offsets: bool
    strength: float
    answers: Answers
    present: NDArray[np.bool_]

    @property
    def unfairness(self) -> float:
        """The largest absolute difference of counted and true time among the labels, in shares of the time."""
        durations = self.answers.durations_ms
        difference = self.present.astype(np.int64) - (self.answers.targets == 1)
        return float(np.abs(durations @ difference).max() / durations.sum())

    @property
    def right(self) -> float:
        """The time of the frames that are right, in ms."""
        return float(self.answers.durations_ms @ (self.present == (self.answers.targets == 1)).all(axis=1))


def _trials(answers: Answers, manifest: Manifest, folds: NDArray[np.int64]) -> Iterator[_Trial]:
    """The least change first."""
    for offsets in (False, True):
        honest = crossfitted(answers, manifest, folds, offsets=offsets)
        for strength in STRENGTHS:
            yield _Trial(offsets, strength, honest, counted_out_of_fold(honest, manifest, folds, strength))


def _best(trials: Sequence[_Trial]) -> _Trial:
    """Of those that count fairly the one with the most right frames, the least change first; else the fairest."""
    fair = [trial for trial in trials if trial.unfairness <= FAIR_SHARE]
    return max(fair, key=lambda trial: trial.right) if fair else min(trials, key=lambda trial: trial.unfairness)
