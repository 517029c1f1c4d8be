"""A linear head on pooled features: what is on screen, wherever it is."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time import processors
from screen_time.manifest import Semantics
from training import summaries
from training.dataset import Targets
from training.features import Vectors
from training.head import Examples, Rows

if TYPE_CHECKING:
    import keras

STRENGTH = 0.1
"""Inverse of the L2 penalty (scikit-learn's C); see docs/training.md for what others give."""

ITERATIONS = 1000

NEVER = -30.0
"""Logit of a label that the training examples never show: a probability of 1e-13."""

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights (d × labels) and biases (labels)."""


@dataclass(frozen=True, slots=True)
class PooledHead:
    """Weights (d × labels) and biases (labels) on the pooled summaries of a frame's maps."""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]

    def logits(self, vectors: Vectors) -> NDArray[np.float32]:
        """N × labels."""
        return np.asarray(summaries.pooled(vectors) @ self.weights + self.biases)

    def attach(self, tensors: summaries.Tensors) -> "keras.KerasTensor":
        """One dense layer, without an activation."""
        from keras import layers

        dense = layers.Dense(len(self.biases), name="pooled")
        logits = dense(tensors.pooled)
        dense.set_weights([self.weights, self.biases])
        return logits


def fit(examples: Examples, subsets: Sequence[Rows], semantics: Semantics) -> list[PooledHead]:
    """Learn anew from each of the subsets; a fit on each processor at a time."""
    with ThreadPoolExecutor(processors.available()) as pool:
        return list(pool.map(lambda rows: _fit(examples.at(rows), semantics), subsets))


def _fit(examples: Examples, semantics: Semantics) -> PooledHead:
    """Logistic regression on centred and scaled vectors; centre and scale become part of the weights.

    Convex and fitted to convergence: no seed changes what comes out.
    """
    vectors = summaries.pooled(examples.vectors)
    mean, scale = vectors.mean(axis=0), _scale(vectors)
    solve = _softmax if semantics is Semantics.EXCLUSIVE else _sigmoids
    weights, biases = solve((vectors - mean) / scale, examples.targets)
    weights = weights / scale[:, None]
    return PooledHead(weights.astype(np.float32), (biases - mean @ weights).astype(np.float32))


def _scale(vectors: Vectors) -> Vectors:
    """One scale for each summary (d): a scale for each channel would blow rare ones up."""
    pieces = np.split(vectors, summaries.POOLED, axis=1)
    return np.concatenate([np.full(piece.shape[1], piece.std() or 1, dtype=np.float32) for piece in pieces])


def _softmax(vectors: Vectors, targets: Targets) -> Weights:
    """One multinomial regression; labels that no example shows get the logit NEVER."""
    classes = targets.argmax(axis=1)
    seen = np.unique(classes)
    weights, biases = np.zeros((vectors.shape[1], targets.shape[1])), np.full(targets.shape[1], NEVER)
    biases[seen] = 0
    if len(seen) == 2:  # scikit-learn then has one row: the second class's logit against the first's
        seen = seen[1:]
    if len(np.unique(classes)) > 1:
        weights[:, seen], biases[seen] = _regression(vectors, classes)
    return weights, biases


def _sigmoids(vectors: Vectors, targets: Targets) -> Weights:
    """One binary regression a label; one that is always or never there needs none."""
    weights, biases = np.zeros((vectors.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for label, present in enumerate(targets.T):
        if present.min() == present.max():
            biases[label] = -NEVER if present[0] else NEVER
        else:
            weights[:, [label]], biases[[label]] = _regression(vectors, present)
    return weights, biases


def _regression(vectors: Vectors, classes: NDArray[np.generic]) -> Weights:
    """Weights (d × rows) and biases (rows) of scikit-learn's regression, balanced over the classes."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=ITERATIONS)
    model.fit(vectors.astype(np.float64), classes)
    return model.coef_.T, model.intercept_
