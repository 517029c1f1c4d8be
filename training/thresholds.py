"""Where a character begins to count as present, so that its seconds add up to the true ones.

The best answer to each single frame is not the best total: a model that is often a little below one half on a small
character is right more often than not, and misses most of its time. So thresholds are moved until the seconds that
are counted out of fold are the true ones; little where few frames speak for it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest, Semantics
from screen_time.summary import presence
from training.evaluation import PLAIN_THRESHOLD, Answers

Present = NDArray[np.bool_]

HALF_WAY = 20
"""Frames that show a label (or do not: the rarer) at which its threshold goes half of the way from one half."""

RELUCTANCE = 1.0
"""What a shift of 1 of an exclusive label's log threshold costs, in squared shares of the time, for one frame.

With n frames it is an nth, as the variance of a share that is counted in n frames.
"""

ROUNDS = 200

STRENGTHS = (0.0, 0.5, 1.0)
"""How far thresholds may go from the plain ones to the fitted ones."""


def fit_thresholds(answers: Answers, manifest: Manifest, strength: float = 1.0) -> tuple[float, ...]:
    """Thresholds for calibrated answers, one a label, at which the seconds counted are about the true ones.

    Independent labels: a probability each. Exclusive ones: what each probability is divided by before the largest one
    counts, their geometric mean 1. With less than full `strength` they stay nearer to the plain ones: one half, or none
    for exclusive labels.
    """
    if not strength:
        return plain_thresholds(manifest)
    if manifest.semantics is Semantics.INDEPENDENT:
        return tuple(_balanced(answers, column, strength) for column in range(len(manifest.labels)))
    return _divisors(answers, strength)


def counted_out_of_fold(
    answers: Answers, manifest: Manifest, folds: NDArray[np.int64], strength: float = 1.0
) -> Present:
    """What counts as present (n × labels) with thresholds fitted to the other folds; with one fold, plain ones."""
    present = presence(answers.probabilities, replace(manifest, thresholds=plain_thresholds(manifest)))
    distinct = np.unique(folds)
    for fold in distinct if strength and distinct.size > 1 else ():
        here = folds == fold
        fitted = replace(manifest, thresholds=fit_thresholds(answers.chosen(~here), manifest, strength))
        present[here] = presence(answers.probabilities[here], fitted)
    return present


def plain_thresholds(manifest: Manifest) -> tuple[float, ...]:
    """The most probable answer: one half for independent labels, none for exclusive ones."""
    return (PLAIN_THRESHOLD,) * len(manifest.labels) if manifest.semantics is Semantics.INDEPENDENT else ()


def _balanced(answers: Answers, column: int, strength: float) -> float:
    """The threshold of an independent label."""
    order = np.argsort(-answers.probabilities[:, column], kind="stable")
    probabilities = answers.probabilities[order, column].astype(np.float64)
    shown = answers.targets[:, column] == 1
    counted = np.concatenate(([0], np.cumsum(answers.durations_ms[order])))
    frames = int(np.abs(counted - answers.durations_ms[shown].sum()).argmin())
    edges = np.concatenate(([1.0], probabilities, [0.0]))
    threshold = np.clip((edges[frames] + edges[frames + 1]) / 2, 0.02, 0.98)
    evidence = min(shown.sum(), (~shown).sum())
    logit = strength * np.log(threshold / (1 - threshold)) * evidence / (evidence + HALF_WAY)
    return round(float(1 / (1 + np.exp(-logit))), 4)


def _divisors(answers: Answers, strength: float) -> tuple[float, ...]:
    """The thresholds of exclusive labels: the seconds counted come near the true ones, the thresholds stay near 1."""
    logarithms = np.log(np.clip(answers.probabilities.astype(np.float64), 1e-9, 1))
    shares = answers.durations_ms / answers.durations_ms.sum()
    true = shares @ (answers.targets == 1)
    reluctance = RELUCTANCE / len(answers.targets)
    shift = best = np.zeros(logarithms.shape[1])
    least = np.inf
    for round_ in range(ROUNDS):
        counted = np.bincount((logarithms - shift).argmax(axis=1), weights=shares, minlength=len(true))
        cost = float(((counted - true) ** 2).sum() + reluctance * (shift**2).sum())
        if cost < least:
            least, best = cost, shift
        # Steps shrink, so that the search settles although the counts jump from frame to frame.
        moved = shift + 2 / (10 + round_) * (counted - true) / np.maximum(true, 0.05)
        shift = np.clip(moved - moved.mean(), -1.5, 1.5)
    return tuple(round(float(each), 4) for each in np.exp(strength * best))
