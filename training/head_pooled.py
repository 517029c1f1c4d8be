"""The default head: pooled features, a regularised linear model fitted to convergence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Fit, InputSpec, Semantics
from training.backbone import Preprocessing
from training.dataset import Targets
from training.features import FeatureKind, Features
from training.head import Epoch, Examples, Head, Vectors

if TYPE_CHECKING:
    import keras

STRENGTH = 0.1
"""Inverse of the L2 penalty (scikit-learn's C); see docs/training.md for what others give."""

ITERATIONS = 1000

NEVER = -30.0
"""Logit of a label that the training examples never show: a probability of 1e-13."""


@dataclass(frozen=True, slots=True)
class PooledHead:
    """Weights (d × labels) and biases (labels) on pooled vectors."""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    semantics: Semantics
    epochs: tuple[Epoch, ...] = ()

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """Softmax of the logits for exclusive labels, a sigmoid of each for independent ones."""
        from scipy.special import expit, softmax

        logits = vectors @ self.weights + self.biases
        exclusive = self.semantics is Semantics.EXCLUSIVE
        return np.asarray(softmax(logits, axis=1) if exclusive else expit(logits), dtype=np.float32)

    def attach(self, maps: "keras.KerasTensor") -> "keras.KerasTensor":
        """Pooling, the root, and one dense layer, named `probabilities`."""
        from keras import layers, ops

        average = layers.GlobalAveragePooling2D(name="average")(maps)
        maximum = layers.GlobalMaxPooling2D(name="maximum")(maps)
        pooled = layers.Concatenate(name="pooled")([average, maximum])
        activation = "softmax" if self.semantics is Semantics.EXCLUSIVE else "sigmoid"
        dense = layers.Dense(len(self.biases), activation=activation, name="probabilities")
        probabilities = dense(ops.sqrt(pooled))
        dense.set_weights([self.weights, self.biases])
        return probabilities


def embed(features: Features) -> Vectors:
    """Roots of the average and of the maximum of every channel over all places: n × 1024.

    The root keeps the few channels that fire very strongly from outvoting the others.
    """
    maps = features.astype(np.float32)
    return np.asarray(np.sqrt(np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)))


def fit(train: Examples, validation: Examples | None, semantics: Semantics, seed: int) -> PooledHead:
    """Logistic regression on centred and scaled vectors; centre and scale become part of the weights.

    Convex and fitted to convergence: neither `validation` nor `seed` changes what comes out.
    """
    del validation, seed
    mean, scale = train.vectors.mean(axis=0), _scale(train.vectors)
    solve = _softmax if semantics is Semantics.EXCLUSIVE else _sigmoids
    weights, biases = solve((train.vectors - mean) / scale, train.targets)
    weights = weights / scale[:, None]
    return PooledHead(weights.astype(np.float32), (biases - mean @ weights).astype(np.float32), semantics)


def _scale(vectors: Vectors) -> Vectors:
    """One scale for all averages and one for all maxima (d): a scale for each channel would blow rare ones up."""
    halves = np.split(vectors, 2, axis=1)
    return np.concatenate([np.full(half.shape[1], half.std() or 1, dtype=np.float32) for half in halves])


def _softmax(vectors: Vectors, targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _sigmoids(vectors: Vectors, targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One binary regression a label; one that is always or never there needs none."""
    weights, biases = np.zeros((vectors.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for label, present in enumerate(targets.T):
        if present.min() == present.max():
            biases[label] = -NEVER if present[0] else NEVER
        else:
            weights[:, [label]], biases[[label]] = _regression(vectors, present)
    return weights, biases


def _regression(vectors: Vectors, classes: NDArray[np.generic]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (d × rows) and biases (rows) of scikit-learn's regression, balanced over the classes."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=ITERATIONS)
    # On matrices this small, threads that wait for each other took up to 20 times as long as one alone.
    with threadpool_limits(1):
        model.fit(vectors.astype(np.float64), classes)
    return model.coef_.T, model.intercept_


POOLED = Head(
    name="pooled",
    features=FeatureKind(InputSpec(224, 398, Fit.PAD), Preprocessing.CAFFE),
    embed=embed,
    fit=fit,
    mirrored=True,
    needs_validation=False,
    cheap=True,
    parameters={
        "C": STRENGTH,
        "max_iter": ITERATIONS,
        "class_weight": "balanced",
        "pooling": "roots of mean and max",
    },
)
