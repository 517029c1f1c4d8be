"""The losses that the places head's fits minimise: many fits on subsets of the same frames, asked at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from screen_time import processors
from training.dataset import Targets
from training.lockstep import Numbers, Values

Array = NDArray[np.float32]

FRAMES_AT_ONCE = 24
"""Of which the losses are computed: what is read twice stays in the processor's cache."""

_IMPOSSIBLE = np.float32(-1e9)
"""Logit of a class that a fit's frames never show."""


class PlacesLosses:
    """Balanced cross-entropies of pooled scores, and an L2 `penalty` of their weights.

    `places` are frames × places × channels; `targets`, frames × fits × columns, one column of which each frame shows;
    `learned`, fits × frames, says which frames each fit learns from. Every fit sees these centred and scaled by what
    they are themselves. Its parameters are weights (channels × columns), then biases (columns), all in one row.
    """

    def __init__(self, places: Array, targets: Targets, learned: NDArray[np.bool_], penalty: float) -> None:
        self._places, self._targets, self._penalty = places, targets, penalty
        frames = learned.sum(axis=1)
        counts = (learned.T[:, :, None] * targets).sum(axis=0)
        self.seen = counts > 0
        share = counts * self.seen.sum(axis=1, keepdims=True) / frames[:, None]
        of_column = np.divide(1, share, out=np.zeros_like(share), where=self.seen)
        self._importance = (learned.T * (targets * of_column).sum(axis=2)).astype(np.float32)
        self._impossible = np.where(self.seen, np.float32(0), _IMPOSSIBLE)
        self._mean, self._scale = self._moments(learned / (frames[:, None] * places.shape[1]))

    @property
    def parameters(self) -> int:
        """How many each fit has."""
        return int((self._places.shape[2] + 1) * self._targets.shape[2])

    def evaluate(self, numbers: Numbers, points: Values) -> tuple[Values, Values]:
        """Losses (k) and gradients (k × parameters) of the fits with these numbers, each at its own point."""
        rows = points.reshape(len(numbers), -1, self._targets.shape[2]).astype(np.float32)
        weights, offsets = self._unscaled(numbers, rows)
        losses = self._penalty / 2 * np.einsum("kij,kij->k", rows[:, :-1], rows[:, :-1]).astype(np.float64)
        by_channel = np.zeros(weights.shape, dtype=np.float32)
        errors = np.zeros(offsets.shape, dtype=np.float32)
        for loss, gradient, error in self._by_blocks(numbers, weights, offsets, rows[:, -1]):
            losses += loss
            by_channel += gradient
            errors += error
        mean, scale = self._mean[numbers], self._scale[numbers, None, None]
        gradients = self._penalty * rows
        gradients[:, :-1] += (_by_fit(by_channel, rows) - mean[:, :, None] * errors[:, None]) / scale
        gradients[:, -1] = errors
        return losses, gradients.reshape(len(numbers), -1).astype(np.float64)

    def solution(self, points: Values) -> tuple[Array, Array, Array]:
        """Of all fits at these points: weights (fits × channels × columns), offsets and biases (fits × columns).

        For places as they are, neither centred nor scaled.
        """
        rows = points.reshape(len(points), -1, self._targets.shape[2]).astype(np.float32)
        weights, offsets = self._unscaled(np.arange(len(points)), rows)
        return _by_fit(weights, rows), offsets, rows[:, -1]

    def _moments(self, shares: Values) -> tuple[Array, Array]:
        """Means (fits × channels) and scales (fits) of what each fit learns from; its `shares` are fits × frames."""
        mean = shares @ self._places.sum(axis=1)
        squares = shares @ np.array([np.vdot(frame, frame) for frame in self._places]) / self._places.shape[2]
        deviation = np.sqrt(np.maximum(0.0, squares - mean.mean(axis=1) ** 2))
        return mean.astype(np.float32), np.where(deviation > 0, deviation, 1).astype(np.float32)

    def _unscaled(self, numbers: Numbers, rows: Array) -> tuple[Array, Array]:
        """Weights (channels × (fits · columns)) and offsets (fits × columns) for places as they are."""
        weights = rows[:, :-1] / self._scale[numbers, None, None]
        offsets = -np.einsum("ki,kij->kj", self._mean[numbers], weights)
        return np.ascontiguousarray(weights.transpose(1, 0, 2)).reshape(weights.shape[1], -1), offsets

    def _by_blocks(
        self, numbers: Numbers, weights: Array, offsets: Array, biases: Array
    ) -> Iterator[tuple[Values, Array, Array]]:
        """Losses, gradients by weights and by biases of some frames after others, always in the same order."""
        starts = range(0, len(self._places), FRAMES_AT_ONCE)
        with ThreadPoolExecutor(processors.available()) as pool:
            yield from pool.map(lambda start: self._block(start, numbers, weights, offsets, biases), starts)

    def _block(
        self, start: int, numbers: Numbers, weights: Array, offsets: Array, biases: Array
    ) -> tuple[Values, Array, Array]:
        frames = slice(start, start + FRAMES_AT_ONCE)
        places, targets = self._places[frames], self._targets[frames, numbers]
        importance = self._importance[frames, numbers]
        say, pooled = _pooled(places, weights, offsets)
        logits = pooled + biases + self._impossible[numbers]
        logits -= logits.max(axis=2, keepdims=True)
        logarithms = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
        error = (np.exp(logarithms) - targets) * importance[..., None]
        say *= error.reshape(len(error), 1, -1)
        loss = -(importance * (targets * logarithms).sum(axis=2)).sum(axis=0, dtype=np.float64)
        flat = places.reshape(-1, places.shape[2])
        return loss, flat.T @ say.reshape(len(flat), -1), error.sum(axis=0)


def _pooled(places: Array, weights: Array, offsets: Array) -> tuple[Array, Array]:
    """How much each place has a say, frames × places × (fits · columns), in the scores, frames × fits × columns.

    The say is a softmax over the places, and the gradient of the log-mean-exp that pools their scores.
    """
    scores = (places.reshape(-1, places.shape[2]) @ weights).reshape(*places.shape[:2], -1)
    highest = scores.max(axis=1, keepdims=True)
    say = np.exp(scores - highest)
    sums = say.sum(axis=1, keepdims=True)
    say /= sums
    pooled = highest + np.log(sums / places.shape[1])
    return say, pooled.reshape(len(places), *offsets.shape) + offsets


def _by_fit(by_channel: Array, rows: Array) -> Array:
    """Fits × channels × columns from channels × (fits · columns)."""
    return by_channel.reshape(len(by_channel), len(rows), rows.shape[2]).transpose(1, 0, 2)
