"""Which frames are worth labelling next: those that a model is unsure of, and that show something else each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_NOVELTY = 0.1
"""What a copy of a chosen frame is worth, in parts of the most different frame's worth: little, but not nothing."""

CROWDING = 3
"""Frames keep a distance of the duration divided by so many times their number."""


def gap_ms(duration_ms: int, count: int) -> int:
    """The time that must lie between two of `count` chosen frames: never so long that `count` would not fit."""
    return duration_ms // (CROWDING * count)


def choose(
    times_ms: Sequence[int], margins: NDArray[np.float32], features: NDArray[np.floating[Any]], count: int, gap: int
) -> list[int]:
    """Indices of up to `count` of n frames, the most worth labelling first, `gap` ms or more between any two.

    The first is the one with the smallest margin (n). Each further one has the largest product of uncertainty, its rank
    by margin, and novelty, its distance to the nearest chosen frame by `features` (n × whatever describes a frame).
    """
    times = np.asarray(times_ms, dtype=np.int64)
    uncertainty = _ranks(-margins)
    nearest = np.full(len(times), np.inf)
    free = np.ones(len(times), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        worth = np.where(free, uncertainty * (LEAST_NOVELTY + _novelty(nearest)), -1)
        index = int(worth.argmax())
        chosen.append(index)
        nearest = np.minimum(nearest, np.linalg.norm(features - features[index], axis=1))
        free &= np.abs(times - times[index]) >= max(gap, 1)
    return chosen


def _novelty(nearest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in parts of the largest one; the same for all as long as nothing is chosen, or all frames are alike."""
    largest = nearest.max()
    return np.ones_like(nearest) if not 0 < largest < np.inf else nearest / largest


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """In 0 … 1, the largest value first; equal values share their rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values) / len(values))
