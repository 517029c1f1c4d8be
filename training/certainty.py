"""What is learned from a head's out-of-fold answers: how to read its probabilities, and how far to trust totals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from screen_time.summary import presence
from training.calibration import Calibration, crossfitted, fit_calibration
from training.evaluation import Answers
from training.intervals import fit_dispersions, interval_coverage
from training.probability_scores import ProbabilityScores, probability_scores
from training.thresholds import choose_thresholds, is_better, plain_thresholds


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
        _, present = choose_thresholds(answers, manifest, folds)
        return Certainty(Calibration.identity(manifest), plain, answers, present, raw, raw, None)
    offsets = _offsets_help(answers, manifest, folds)
    honest = crossfitted(answers, manifest, folds, offsets=offsets)
    thresholds, present = choose_thresholds(honest, manifest, folds)
    decided = replace(manifest, thresholds=thresholds)
    return Certainty(
        calibration=fit_calibration(answers, manifest, offsets=offsets),
        manifest=replace(decided, dispersions=fit_dispersions(honest, decided, videos)),
        answers=honest,
        present=present,
        scores=probability_scores(honest, manifest),
        raw_scores=raw,
        coverage=interval_coverage(honest, decided, videos),
    )


def _offsets_help(answers: Answers, manifest: Manifest, folds: NDArray[np.int64]) -> bool:
    """Whether a calibration with offsets, which moves answers, counts fairer on folds that it was not fitted to."""
    plain = replace(manifest, thresholds=plain_thresholds(manifest))
    before, after = (
        presence(crossfitted(answers, manifest, folds, offsets=offsets).probabilities, plain)
        for offsets in (False, True)
    )
    return is_better(answers, before, after)
