"""What a head is: the small trained part that turns VGG16's maps into a probability for each label."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Semantics
from training.dataset import Targets
from training.features import FeatureKind, Features

if TYPE_CHECKING:
    import keras

Vectors = NDArray[np.float32]
"""n × d: what a head learns from."""

Epoch = Mapping[str, float]
"""Metrics after one pass over the training examples, by name (`loss`, `val_loss`, …)."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Vectors and what they show, row by row."""

    vectors: Vectors
    targets: Targets


class FittedHead(Protocol):
    """A head that has learned."""

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Its way there; empty where it was not fitted by passes over the examples."""

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """N × labels for n vectors, as the Keras layers would answer."""

    def attach(self, maps: "keras.KerasTensor") -> "keras.KerasTensor":
        """Keras layers from the backbone's maps to the probabilities, with the learned weights."""


Fit = Callable[[Examples, Examples | None, Semantics, int], FittedHead]
"""Learn from examples; the second ones are for validation, the number is the seed."""


@dataclass(frozen=True, slots=True)
class Head:
    """A named way from frames to probabilities, before it has learned anything.

    `embed` makes a head's vectors of features. `mirrored` frames are learned from too. A head that
    `needs_validation` keeps the state that did best on the random split's validation frames; others are fitted once
    more, on everything, after they were tested. `cheap` says that fitting takes seconds, so that every fold can be
    fitted anew. `parameters` are what is logged.
    """

    name: str
    features: FeatureKind
    embed: Callable[[Features], Vectors]
    fit: Fit
    mirrored: bool
    needs_validation: bool
    cheap: bool
    parameters: Mapping[str, object]
