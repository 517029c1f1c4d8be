"""What a head is: the small trained part that turns VGG16's maps into a probability for each label."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Semantics
from training.dataset import Targets
from training.features import FeatureKind, Vectors
from training.splits import Fold

if TYPE_CHECKING:
    import keras

Epoch = Mapping[str, float]
"""Metrics after one pass over the training examples, by name (`loss`, `val_loss`, …)."""

Rows = NDArray[np.int64]
"""Positions of some of the examples."""

PLAIN, MIRRORED, VARIED = 0, 1, 2
"""Views of a frame: as it is, mirrored, and from VARIED on varied copies (training.variation)."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Vectors (n × d), what they show (n × labels), and which view of their frame each is (n)."""

    vectors: Vectors
    targets: Targets
    views: NDArray[np.int64]

    @classmethod
    def plain(cls, vectors: Vectors, targets: Targets) -> "Examples":
        """Examples of frames as they are."""
        return cls(vectors, targets, np.full(len(vectors), PLAIN, dtype=np.int64))

    def at(self, rows: Rows) -> "Examples":
        """Some of them."""
        return Examples(self.vectors[rows], self.targets[rows], self.views[rows])


@dataclass(frozen=True, slots=True)
class Attached:
    """Keras tensors of a whole model: probabilities (n × labels), and where it looked (n × rows × columns × labels)."""

    probabilities: "keras.KerasTensor"
    maps: "keras.KerasTensor | None" = None


class FittedHead(Protocol):
    """A head that has learned."""

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Its way there; empty where it was not fitted by passes over the examples."""

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """N × labels for n vectors, as the Keras layers would answer."""

    def attach(self, maps: "keras.KerasTensor") -> Attached:
        """Keras layers from the backbone's maps to the probabilities, with the learned weights."""


Fit = Callable[[Examples, Sequence[Fold], Semantics, int], Iterable[FittedHead]]
"""Learn anew from each fold of the examples, whose rows to test on are for validation; the number is the seed."""


@dataclass(frozen=True, slots=True)
class Head:
    """A named way from frames to probabilities, before it has learned anything.

    `views` is how many views of each frame it learns from (1: plain, 2: mirrored too, more: varied copies). A head
    that `needs_validation` keeps the state that did best on the random split's validation frames; others are fitted
    once more, on everything, after they were tested. `cheap` says that fitting takes seconds, so that every fold can be
    fitted anew. `parameters` are what is logged.
    """

    name: str
    features: FeatureKind
    fit: Fit
    views: int
    needs_validation: bool
    cheap: bool
    parameters: Mapping[str, object]
