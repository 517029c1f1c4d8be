"""Testing a head on frames it has not learned from: on the classic's random split, and honestly, by groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from training.evaluation import Answers, score
from training.head import FittedHead, Head
from training.material import Material
from training.reporting import Reporter
from training.splits import Fold, grouped_folds, random_split

LEARNING_SHARES = (0.25, 0.5, 0.75)
"""Shares of the frames to learn from at which a cheap head is fitted for its learning curve."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Accuracy on held-out groups of a head that learned from so many labelled frames."""

    frames: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Validation:
    """Answers on held-out frames by split (`random`; `grouped` where it was tried), and the random split's head."""

    answers: Mapping[str, Answers]
    on_random_split: FittedHead
    learning_curve: tuple[LearningPoint, ...] = ()


def validate(head: Head, material: Material, manifest: Manifest, seed: int, reporter: Reporter) -> Validation:
    """Fit `head` on the random split and, where that is cheap, anew for every group that is held out."""
    trial = _Trial(head, material, manifest, seed, reporter)
    folds = grouped_folds(material.dataset, seed) if head.cheap else ()
    reporter.stage("Testing on held-out frames", 1 + len(folds) * (1 + len(LEARNING_SHARES)))
    fitted, on_random = trial.fit_and_answer(random_split(material.dataset.targets, seed))
    if not head.cheap:
        reporter.note(f"The head {head.name} takes too long to be fitted for every group: only the random split.")
        return Validation({"random": on_random}, fitted)
    grouped = trial.out_of_fold(folds)
    curve = [trial.learning_point(_thinned(folds, share, seed)) for share in LEARNING_SHARES]
    curve.append(LearningPoint(_frames(folds), score(grouped, manifest).accuracy))
    return Validation({"random": on_random, "grouped": grouped}, fitted, tuple(curve))


def fit_final(head: Head, material: Material, validation: Validation, manifest: Manifest, seed: int) -> FittedHead:
    """The head that is registered: fitted on every frame, or the random split's where it needs validation frames."""
    if head.needs_validation:
        return validation.on_random_split
    everything = np.arange(len(material.vectors))
    return head.fit(material.to_learn(everything), None, manifest.semantics, seed)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One head that is fitted again and again, each time on other frames."""

    head: Head
    material: Material
    manifest: Manifest
    seed: int
    reporter: Reporter

    def fit_and_answer(self, fold: Fold) -> tuple[FittedHead, Answers]:
        tested = self.material.to_test(fold.test)
        fitted = self.head.fit(self.material.to_learn(fold.train), tested, self.manifest.semantics, self.seed)
        self.reporter.advance()
        durations = self.material.dataset.durations_ms[fold.test]
        return fitted, Answers(fold.test, fitted.probabilities(tested.vectors), tested.targets, durations)

    def out_of_fold(self, folds: Sequence[Fold]) -> Answers:
        return Answers.joined([self.fit_and_answer(fold)[1] for fold in folds])

    def learning_point(self, folds: Sequence[Fold]) -> LearningPoint:
        return LearningPoint(_frames(folds), score(self.out_of_fold(folds), self.manifest).accuracy)


def _thinned(folds: Sequence[Fold], share: float, seed: int) -> tuple[Fold, ...]:
    """The same folds with only a share of the frames to learn from."""
    generator = np.random.default_rng(seed)
    return tuple(Fold(_sample(fold.train, share, generator), fold.test) for fold in folds)


def _sample(indices: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(generator.choice(indices, max(1, round(share * len(indices))), replace=False))


def _frames(folds: Sequence[Fold]) -> int:
    return round(sum(len(fold.train) for fold in folds) / len(folds))
