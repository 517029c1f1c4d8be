"""A head that scores each place of the picture and pools the scores: it finds what is small, and knows where.

It is fitted once for each varied copy of the frames, and its fits are averaged: what a single one makes of another
drawing depends on how the copy happened to be varied.

Multiple-instance learning with a soft maximum (log-mean-exp) over the places, as in Pinheiro and Collobert, "From
Image-level to Pixel-level Labeling with Convolutional Networks" (CVPR 2015).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Semantics
from training import summaries
from training.dataset import Targets
from training.features import Vectors
from training.head import Examples
from training.head_pooled import NEVER

if TYPE_CHECKING:
    import keras

PENALTY = 3.0
"""L2 penalty of the weights; see docs/training.md for what others give."""

ITERATIONS = 40
"""Stopped early: more passes fit the training frames better and the held-out ones no better."""

FRAMES_AT_ONCE = 24
"""Of which the loss is computed: what it takes twice stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class PlacesHead:
    """Weights (channels × columns), offsets of every place's scores (columns), biases of the pooled ones (columns).

    There are as many columns for each of the `fits`: one a label of exclusive ones; independent labels have two, absent
    and present.
    """

    semantics: Semantics
    fits: int
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]
    biases: NDArray[np.float32]

    def logits(self, vectors: Vectors) -> NDArray[np.float32]:
        """N × labels."""
        return np.asarray((_log_mean_exp(self._scores(vectors)) + self.biases) @ self._by_label)

    def maps(self, vectors: Vectors, columns: int) -> NDArray[np.float32]:
        """What each place said for each label, at least 0: n × rows × `columns` × labels, as `attach` has it."""
        scores = np.asarray(self._scores(vectors) @ self._by_label)
        return np.maximum(scores, 0).reshape(len(vectors), -1, columns, scores.shape[-1])

    @property
    def _by_label(self) -> NDArray[np.float32]:
        """The matrix (columns × labels) that makes labels' scores of columns': the average of the fits."""
        columns = self.weights.shape[1] // self.fits
        one = np.eye(columns) if self.semantics is Semantics.EXCLUSIVE else np.kron(np.eye(columns // 2), [[-1], [1]])
        return (np.tile(one, (self.fits, 1)) / self.fits).astype(np.float32)

    def _scores(self, vectors: Vectors) -> NDArray[np.float32]:
        return np.asarray(summaries.places(vectors) @ self.weights + self.offsets)

    def attach(self, tensors: summaries.Tensors) -> "tuple[keras.KerasTensor, keras.KerasTensor]":
        """Logits (n × labels), and what each place said for each label: n × rows × columns × labels, at least 0."""
        from keras import layers, ops

        convolution = layers.Conv2D(self.weights.shape[1], 1, name="scores")
        scores = convolution(tensors.places)
        convolution.set_weights([self.weights[None, None], self.offsets])
        _count, rows, columns, _channels = scores.shape
        pooled = ops.logsumexp(scores, axis=(1, 2)) + (self.biases - np.float32(np.log(rows * columns)))
        return ops.matmul(pooled, self._by_label), ops.relu(ops.matmul(scores, self._by_label))


def fit(examples: Examples, semantics: Semantics) -> PlacesHead:
    """Learn from examples, balanced over the classes. Starts from zero: no seed changes what comes out."""
    fitted = [_fit(each, semantics) for each in examples.with_one_copy()]
    return PlacesHead(semantics, len(fitted), *(np.concatenate(each, axis=-1) for each in zip(*fitted, strict=True)))


def _fit(examples: Examples, semantics: Semantics) -> tuple[NDArray[np.float32], ...]:
    """Weights, offsets and biases."""
    places = summaries.places(examples.vectors)
    mean = places.mean(axis=(0, 1))
    deviation = np.sqrt(max(0.0, float(np.vdot(places, places)) / places.size - float(mean.mean()) ** 2))
    scale = np.float32(deviation or 1)
    places -= mean
    places /= scale
    if semantics is Semantics.EXCLUSIVE:
        weights, biases = _softmax(places, examples.targets)
    else:
        pairs = [_softmax(places, np.stack([1 - column, column], axis=1)) for column in examples.targets.T]
        weights, biases = (np.concatenate(parts, axis=-1) for parts in zip(*pairs, strict=True))
    weights = weights / scale
    return weights, -mean @ weights, biases


def _softmax(places: NDArray[np.float32], targets: Targets) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (channels × classes) and biases (classes); classes that no example shows get the logit NEVER."""
    seen = np.flatnonzero(targets.any(axis=0))
    weights = np.zeros((places.shape[-1], targets.shape[1]), dtype=np.float32)
    biases = np.full(targets.shape[1], NEVER, dtype=np.float32)
    weights[:, seen], biases[seen] = _Loss(places, targets[:, seen]).least()
    return weights, biases


class _Loss:
    """Balanced cross-entropy of pooled scores, with its gradient."""

    def __init__(self, places: NDArray[np.float32], targets: Targets) -> None:
        self._places, self._targets = places, targets
        counts = targets.sum(axis=0)
        self._importance = (targets @ (len(targets) / (len(counts) * counts))).astype(np.float32)

    def least(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weights and biases at which L-BFGS stops after ITERATIONS."""
        from scipy.optimize import minimize

        channels, columns = self._places.shape[2], self._targets.shape[1]
        if columns == 1:
            return np.zeros((channels, 1), dtype=np.float32), np.zeros(1, dtype=np.float32)
        start = np.zeros((channels + 1) * columns)
        found = minimize(self._with_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
        rows = found.x.reshape(-1, columns).astype(np.float32)
        return rows[:-1], rows[-1]

    def _with_gradient(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        rows = parameters.reshape(-1, self._targets.shape[1]).astype(np.float32)
        loss, gradient = PENALTY / 2 * float((rows[:-1] ** 2).sum()), PENALTY * rows
        gradient[-1] = 0
        for start in range(0, len(self._places), FRAMES_AT_ONCE):
            loss += self._add(slice(start, start + FRAMES_AT_ONCE), rows, gradient)
        return loss, gradient.ravel().astype(np.float64)

    def _add(self, frames: slice, rows: NDArray[np.float32], gradient: NDArray[np.float32]) -> float:
        """The loss of some frames, whose gradient is added to `gradient`."""
        places, targets, importance = self._places[frames], self._targets[frames].T, self._importance[frames]
        flat = places.reshape(-1, places.shape[-1])
        # Column by column, here and below: a matrix product with so few of them takes half as long again.
        weights = np.ascontiguousarray(rows[:-1].T)
        scores = np.stack([flat @ column for column in weights]).reshape(-1, *places.shape[:2])
        highest = scores.max(axis=2, keepdims=True)
        # How much each place has a say in its frame's pooled score: a softmax over the places.
        say = np.exp(scores - highest)
        sums = say.sum(axis=2, keepdims=True)
        say /= sums
        logits = (highest + np.log(sums / places.shape[1]))[..., 0] + rows[-1][:, None]
        logits -= logits.max(axis=0)
        logarithms = logits - np.log(np.exp(logits).sum(axis=0))
        error = (np.exp(logarithms) - targets) * importance
        say *= error[..., None]
        for column, each in enumerate(say.reshape(len(say), -1)):
            gradient[:-1, column] += each @ flat
        gradient[-1] += error.sum(axis=1)
        return -float((importance * (targets * logarithms).sum(axis=0)).sum())


def _log_mean_exp(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """A soft maximum over the places: n × columns from n × places × columns."""
    highest = scores.max(axis=1, keepdims=True)
    return np.asarray(highest[:, 0] + np.log(np.exp(scores - highest).mean(axis=1)))
