"""Testing a head on frames it has not learned from: on the classic's random split, and honestly, by groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from training.environment import one_thread
from training.evaluation import Answers, score
from training.head import FittedHead, Head
from training.head_joint import JointHead
from training.material import Material
from training.reporting import Reporter
from training.splits import Fold, grouped_folds, random_split

LEARNING_SHARES = (0.25, 0.5)
"""Shares of the frames to learn from at which a cheap head is fitted for its learning curve."""

WORKERS = 2
"""Folds fitted at once, each on one thread: on matrices this small, threads of a library only wait for each other."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Accuracy on held-out groups of a head that learned from so many labelled frames."""

    frames: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Validation:
    """Answers on held-out frames by split (`random`; `grouped` where it was tried), and the random split's head.

    `folds` says which fold tested each of the grouped answers; `candidates` are the grouped answers of each member of
    a joint head by itself.
    """

    answers: Mapping[str, Answers]
    on_random_split: FittedHead
    folds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    candidates: Mapping[str, Answers] = field(default_factory=dict)
    learning_curve: tuple[LearningPoint, ...] = ()


def validate(
    head: Head, material: Material, manifest: Manifest, seed: int, reporter: Reporter, *, curve: bool = True
) -> Validation:
    """Fit `head` on the random split and, where that is cheap, anew for every group that is held out."""
    trial = _Trial(head, material, manifest, seed, reporter)
    folds = grouped_folds(material.dataset, seed) if head.cheap else ()
    shares = LEARNING_SHARES if curve else ()
    reporter.stage(f"Testing {head.name} on held-out frames", 1 + len(folds) * (1 + len(shares)))
    with one_thread():
        fitted, on_random = trial.fit_and_answer(random_split(material.dataset.targets, seed))
        if not head.cheap:
            reporter.note(f"The head {head.name} takes too long to be fitted for every group: only the random split.")
            return Validation({"random": on_random}, fitted)
        tested = list(_at_once(head, trial.fit_and_answer, folds))
        grouped = Answers.joined([answers for _fitted, answers in tested])
        points = [trial.learning_point(_thinned(folds, share, seed)) for share in shares]
    return Validation(
        {"random": on_random, "grouped": grouped},
        fitted,
        np.concatenate([np.full(len(fold.test), number) for number, fold in enumerate(folds)]),
        _candidates(trial, folds, [each for each, _answers in tested]),
        (*points, LearningPoint(_frames(folds), score(grouped, manifest).accuracy)),
    )


def fit_final(head: Head, material: Material, validation: Validation, manifest: Manifest, seed: int) -> FittedHead:
    """The head that is registered: fitted on every frame, or the random split's where it needs validation frames."""
    if head.needs_validation:
        return validation.on_random_split
    everything = np.arange(len(material.dataset.examples))
    with one_thread():
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
        examples = self.material.to_learn(fold.train)
        tested = self.material.to_test(fold.test)
        fitted = self.head.fit(examples, tested, self.manifest.semantics, self.seed)
        self.reporter.advance()
        return fitted, self.answer(fitted, fold)

    def answer(self, fitted: FittedHead, fold: Fold) -> Answers:
        tested = self.material.to_test(fold.test)
        durations = self.material.dataset.durations_ms[fold.test]
        return Answers(fold.test, fitted.probabilities(tested.vectors), tested.targets, durations)

    def learning_point(self, folds: Sequence[Fold]) -> LearningPoint:
        answers = Answers.joined([answers for _fitted, answers in _at_once(self.head, self.fit_and_answer, folds)])
        return LearningPoint(_frames(folds), score(answers, self.manifest).accuracy)


def _candidates(trial: _Trial, folds: Sequence[Fold], fitted: Sequence[FittedHead]) -> dict[str, Answers]:
    """Out-of-fold answers of each member by itself: the members are fitted already."""
    joint = [each for each in fitted if isinstance(each, JointHead) and len(each.members) > 1]
    return {
        name: Answers.joined([trial.answer(each.only(name), fold) for each, fold in zip(joint, folds, strict=True)])
        for name in (joint[0].members if joint else ())
    }


def _at_once(head: Head, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results in the order of `items`, WORKERS of them made at a time.

    A head that needs validation is fitted by Keras, which has one random state for all threads.
    """
    with ThreadPoolExecutor(1 if head.needs_validation else WORKERS) as pool:
        yield from pool.map(work, items)


def _thinned(folds: Sequence[Fold], share: float, seed: int) -> tuple[Fold, ...]:
    """The same folds with only a share of the frames to learn from."""
    generator = np.random.default_rng(seed)
    return tuple(Fold(_sample(fold.train, share, generator), fold.test) for fold in folds)


def _sample(indices: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(generator.choice(indices, max(1, round(share * len(indices))), replace=False))


def _frames(folds: Sequence[Fold]) -> int:
    return round(sum(len(fold.train) for fold in folds) / len(folds))
