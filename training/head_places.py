"""A head that scores each place of the picture and pools the scores: it finds what is small, and knows where.

It is fitted once for each varied copy of the frames, and its fits are averaged: what a single one makes of another
drawing depends on how the copy happened to be varied.

Multiple-instance learning with a soft maximum (log-mean-exp) over the places, as in Pinheiro and Collobert, "From
Image-level to Pixel-level Labeling with Convolutional Networks" (CVPR 2015).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Semantics
from training import lockstep, summaries
from training.features import Vectors
from training.head import VARIED, Examples, Rows
from training.head_pooled import NEVER
from training.places_loss import Array, PlacesLosses

if TYPE_CHECKING:
    import keras

PENALTY = 10.0
"""L2 penalty of the weights; see docs/training.md for what others give."""

ITERATIONS = 40
"""Stopped early: more passes fit the training frames better and the held-out ones no better."""


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


def fit(examples: Examples, subsets: Sequence[Rows], semantics: Semantics) -> list[PlacesHead]:
    """Learn anew from each of the subsets, balanced over the classes. Starts from zero: no seed changes the outcome."""
    passes = [_fit(examples, rows, semantics) for rows in _with_one_copy(examples, subsets)]
    return [
        PlacesHead(semantics, len(passes), *(np.concatenate(parts, axis=-1) for parts in zip(*of_one, strict=True)))
        for of_one in zip(*passes, strict=True)
    ]


def _with_one_copy(examples: Examples, subsets: Sequence[Rows]) -> Iterator[list[Rows]]:
    """The subsets' plain and mirrored examples with each of the varied copies in turn; all there is without any."""
    copies = np.unique(examples.views[examples.views >= VARIED])
    if copies.size < 2:
        yield list(subsets)
        return
    for copy in copies:
        wanted = (examples.views < VARIED) | (examples.views == copy)
        yield [rows[wanted[rows]] for rows in subsets]


def _fit(examples: Examples, subsets: Sequence[Rows], semantics: Semantics) -> list[tuple[Array, Array, Array]]:
    """Weights, offsets and biases that each subset makes."""
    used = np.unique(np.concatenate(subsets))
    targets = examples.targets[used]
    # Of exclusive labels one fit, in whose columns each label is; else a fit a label: its absence, its presence.
    exclusive = semantics is Semantics.EXCLUSIVE
    columns = targets[:, None] if exclusive else np.stack([1 - targets, targets], axis=2)
    learned = np.repeat([np.isin(used, rows) for rows in subsets], columns.shape[1], axis=0)
    losses = PlacesLosses(
        summaries.places(examples.vectors[used]), np.tile(columns, (1, len(subsets), 1)), learned, PENALTY
    )
    least = lockstep.minimise(losses.evaluate, np.zeros((len(learned), losses.parameters)), ITERATIONS)
    weights, offsets, biases = losses.solution(least)
    biases = np.where(losses.seen, biases, np.float32(NEVER))
    return [
        (np.concatenate(weights[fits], axis=-1), offsets[fits].ravel(), biases[fits].ravel())
        for fits in np.arange(len(learned)).reshape(len(subsets), -1)
    ]


def _log_mean_exp(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """A soft maximum over the places: n × columns from n × places × columns."""
    highest = scores.max(axis=1, keepdims=True)
    return np.asarray(highest[:, 0] + np.log(np.exp(scores - highest).mean(axis=1)))
