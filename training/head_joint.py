"""The default head: two small heads on the same maps, whose logits are averaged.

One looks at pooled features, the other scores each place. Each of them is also a candidate by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Fit, InputSpec, Semantics
from training import head_places, head_pooled, summaries
from training.backbone import Preprocessing
from training.environment import one_thread
from training.features import FeatureKind, Vectors
from training.head import VARIED, Attached, Epoch, Examples, Head, Rows
from training.head_places import PlacesHead
from training.head_pooled import PooledHead
from training.splits import Fold
from training.variation import COPIES

if TYPE_CHECKING:
    import keras

Member = PooledHead | PlacesHead

BLOCK_4_STEP = 16
"""Pixels of the frame from one column of block 4's pooled maps to the next."""

FEATURES = FeatureKind(
    InputSpec(224, 398, Fit.PAD),
    Preprocessing.CAFFE,
    "block4_pool",
    "summaries-2",
    summaries.summarise,
    as_served=True,
)
"""Block 4's maps: what block 5 adds finds no small character better, on another drawing style least of all."""


MEMBERS: Mapping[str, Callable[[Examples, Sequence[Rows], Semantics], Sequence[Member]]] = {
    "pooled": head_pooled.fit,
    "places": head_places.fit,
}

WEIGHTS = {"pooled": 1.0, "places": 5.0}
"""In the average: what is pooled judges scenes well that it knows, and another drawing worst; see docs/training.md."""


@dataclass(frozen=True, slots=True)
class JointHead:
    """Fitted members by name; their logits are averaged, by their WEIGHTS."""

    members: dict[str, Member]
    semantics: Semantics
    epochs: tuple[Epoch, ...] = ()

    def only(self, name: str) -> "JointHead":
        """One member by itself."""
        return JointHead({name: self.members[name]}, self.semantics)

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """Softmax of the averaged logits for exclusive labels, a sigmoid of each for independent ones."""
        from scipy.special import expit, softmax

        logits = np.average([each.logits(vectors) for each in self.members.values()], axis=0, weights=self._weights)
        exclusive = self.semantics is Semantics.EXCLUSIVE
        return np.asarray(softmax(logits, axis=1) if exclusive else expit(logits), dtype=np.float32)

    def maps(self, vectors: Vectors) -> NDArray[np.float32] | None:
        """Where the head looks in n frames (n × rows × columns × labels); None without a member that knows."""
        found = [member for member in self.members.values() if isinstance(member, PlacesHead)]
        return found[0].maps(vectors, FEATURES.spec.width // BLOCK_4_STEP // summaries.PLACE) if found else None

    def attach(self, maps: "keras.KerasTensor") -> Attached:
        """The members' layers on common summaries; the places' scores tell where it looked."""
        from keras import layers

        tensors = summaries.attach(maps)
        logits, looked = [], None
        for member in self.members.values():
            if isinstance(member, PlacesHead):
                scores, looked = member.attach(tensors)
                logits.append(scores)
            else:
                logits.append(member.attach(tensors))
        activation = "softmax" if self.semantics is Semantics.EXCLUSIVE else "sigmoid"
        # Not Keras's average: its SavedModel has lost the rank.
        shares = self._weights / self._weights.sum()
        joint = sum(each * share for each, share in zip(logits, shares, strict=True))
        return Attached(layers.Activation(activation, name="raw")(joint), looked)

    @property
    def _weights(self) -> NDArray[np.float32]:
        return np.array([WEIGHTS[name] for name in self.members], dtype=np.float32)


def _head(name: str, members: tuple[str, ...]) -> Head:
    def fit(examples: Examples, folds: Sequence[Fold], semantics: Semantics, seed: int) -> list[JointHead]:
        """Convex or started from zero: neither what is tested on nor `seed` changes what comes out."""
        del seed
        subsets = [fold.train for fold in folds]
        with one_thread():
            fitted = [MEMBERS[member](examples, subsets, semantics) for member in members]
        return [JointHead(dict(zip(members, each, strict=True)), semantics) for each in zip(*fitted, strict=True)]

    return Head(
        name=name,
        features=FEATURES,
        fit=fit,
        views=VARIED + COPIES,
        needs_validation=False,
        cheap=True,
        parameters={
            "members": ", ".join(members),
            **{f"weight_{member}": WEIGHTS[member] for member in members},
            "C": head_pooled.STRENGTH,
            "places_penalty": head_places.PENALTY,
            "places_iterations": head_places.ITERATIONS,
            "class_weight": "balanced",
        },
    )


JOINT = _head("joint", tuple(MEMBERS))
SINGLE = tuple(_head(name, (name,)) for name in MEMBERS)
