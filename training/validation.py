"""Testing a head on frames it has not learned from: on the classic's random split, and honestly, by groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from training.dataset import Dataset
from training.evaluation import Answers, score
from training.head import FittedHead, Head
from training.head_joint import JointHead
from training.material import Material
from training.reporting import Reporter
from training.splits import Fold, grouped_folds, random_split

LEARNING_SHARES = (0.25, 0.5)
"""Shares of the frames to learn from at which a cheap head is fitted for its learning curve."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Accuracy on held-out groups of a head that learned from so many labelled frames."""

    frames: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Validation:
    """Answers on held-out frames by split (`random`; `grouped` where it was tried), and the head to register.

    `final` was fitted on every frame, or is the random split's where it needs validation frames. `folds` says which
    fold tested each of the grouped answers; `candidates` are the grouped answers of each member of a joint head by
    itself.
    """

    answers: Mapping[str, Answers]
    final: FittedHead
    folds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    candidates: Mapping[str, Answers] = field(default_factory=dict)
    learning_curve: tuple[LearningPoint, ...] = ()


def validate(
    head: Head, material: Material, manifest: Manifest, seed: int, reporter: Reporter, *, curve: bool = True
) -> Validation:
    """Fit `head` on the random split and, where that is cheap, anew for every group that is held out and on all."""
    random = random_split(material.dataset.targets, seed)
    grouped = grouped_folds(material.dataset, seed) if head.cheap else ()
    thinned = [_thinned(grouped, share, seed) for share in (LEARNING_SHARES if curve and grouped else ())]
    finals = () if head.needs_validation else (_everything(material.dataset),)
    series = [(random,), grouped, *thinned, finals]
    reporter.stage(f"Testing {head.name} on held-out frames", sum(map(len, series)))
    fits = _fits(head, material, [fold for folds in series for fold in folds], manifest, seed, reporter)
    (on_random,), on_grouped, *on_thinned, on_everything = [list(islice(fits, len(folds))) for folds in series]
    final = on_everything[0] if on_everything else on_random
    answers = {"random": _answers([on_random], [random], material)}
    if not head.cheap:
        reporter.note(f"The head {head.name} takes too long to be fitted for every group: only the random split.")
        return Validation(answers, final)
    answers["grouped"] = _answers(on_grouped, grouped, material)
    tested = [_answers(fitted, folds, material) for fitted, folds in zip(on_thinned, thinned, strict=True)]
    points = zip([*thinned, grouped], [*tested, answers["grouped"]], strict=True)
    return Validation(
        answers,
        final,
        np.concatenate([np.full(len(fold.test), number) for number, fold in enumerate(grouped)]),
        _candidates(on_grouped, grouped, material),
        tuple(LearningPoint(_frames(folds), score(each, manifest).accuracy) for folds, each in points),
    )


def _fits(
    head: Head, material: Material, folds: Sequence[Fold], manifest: Manifest, seed: int, reporter: Reporter
) -> Iterator[FittedHead]:
    """The head fitted on each of the folds, in their order."""
    of_views = [material.fold(fold) for fold in folds]
    for fitted in head.fit(material.examples, of_views, manifest.semantics, seed):
        reporter.advance()
        yield fitted


def _everything(dataset: Dataset) -> Fold:
    frames = np.arange(len(dataset.examples))
    return Fold(frames, frames[:0])


def _answers(fitted: Sequence[FittedHead], folds: Sequence[Fold], material: Material) -> Answers:
    """Of each fitted head to the frames that its fold held out."""
    targets, durations = material.dataset.targets, material.dataset.durations_ms
    return Answers.joined(
        [
            Answers(fold.test, head.probabilities(material.plain[fold.test]), targets[fold.test], durations[fold.test])
            for head, fold in zip(fitted, folds, strict=True)
        ]
    )


def _candidates(fitted: Sequence[FittedHead], folds: Sequence[Fold], material: Material) -> dict[str, Answers]:
    """Out-of-fold answers of each member by itself: the members are fitted already."""
    joint = [each for each in fitted if isinstance(each, JointHead) and len(each.members) > 1]
    return {
        name: _answers([each.only(name) for each in joint], folds, material)
        for name in (joint[0].members if joint else ())
    }


def _thinned(folds: Sequence[Fold], share: float, seed: int) -> tuple[Fold, ...]:
    """The same folds with only a share of the frames to learn from."""
    generator = np.random.default_rng(seed)
    return tuple(Fold(_sample(fold.train, share, generator), fold.test) for fold in folds)


def _sample(indices: NDArray[np.int64], share: float, generator: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(generator.choice(indices, max(1, round(share * len(indices))), replace=False))


def _frames(folds: Sequence[Fold]) -> int:
    return round(sum(len(fold.train) for fold in folds) / len(folds))
