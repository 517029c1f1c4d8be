"""What the default head keeps of a frame's maps: four summaries of each channel, flat in one vector.

Roots of all of them: they keep the few channels that fire very strongly from outvoting the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.features import Maps, Vectors

if TYPE_CHECKING:
    import keras

AVERAGE, MAXIMUM, STRONGEST = POOLED = ("average", "maximum", "strongest")
"""Over all places: the mean, the maximum, and the mean of the strongest STRONGEST_SHARE of the places."""

STRONGEST_SHARE = 0.05

PLACE = 2
"""A place is so many rows and columns of the maps, of which the strongest counts."""


@dataclass(frozen=True, slots=True)
class Tensors:
    """The summaries as Keras tensors: by name, n × channels; `places` is n × rows × columns × channels."""

    pooled: Mapping[str, "keras.KerasTensor"]
    places: "keras.KerasTensor"


def summarise(maps: Maps) -> Vectors:
    """N × ((3 + rows × columns of places) × channels) for maps n × height × width × channels."""
    maps = maps.astype(np.float32)
    count, channels = len(maps), maps.shape[-1]
    flat = np.sort(maps.reshape(count, -1, channels), axis=1)
    strongest = flat[:, -_strongest(flat.shape[1]) :].mean(axis=1)
    parts = [maps.mean(axis=(1, 2)), flat[:, -1], strongest, _places(maps).reshape(count, -1)]
    return np.asarray(np.sqrt(np.concatenate(parts, axis=1)))


def attach(maps: "keras.KerasTensor") -> Tensors:
    """The same in Keras's built-in layers and operations."""
    from keras import layers, ops

    _count, rows, columns, channels = maps.shape
    flat = ops.transpose(ops.reshape(maps, (-1, rows * columns, channels)), (0, 2, 1))
    strongest = ops.top_k(flat, _strongest(rows * columns))[0]
    pooled = {
        AVERAGE: layers.GlobalAveragePooling2D(name="average")(maps),
        MAXIMUM: layers.GlobalMaxPooling2D(name="maximum")(maps),
        STRONGEST: ops.mean(strongest, axis=-1),
    }
    places = layers.MaxPooling2D(PLACE, name="places")(maps)
    return Tensors({name: ops.sqrt(tensor) for name, tensor in pooled.items()}, ops.sqrt(places))


def pooled(vectors: Vectors, names: Sequence[str], channels: int = 512) -> NDArray[np.float32]:
    """The named summaries of n vectors, side by side: n × (names × channels)."""
    starts = [POOLED.index(name) * channels for name in names]
    return np.concatenate([vectors[:, start : start + channels] for start in starts], axis=1).astype(np.float32)


def places(vectors: Vectors, channels: int = 512) -> NDArray[np.float32]:
    """The places of n vectors: n × places × channels."""
    return vectors[:, len(POOLED) * channels :].reshape(len(vectors), -1, channels).astype(np.float32)


def _places(maps: Maps) -> Maps:
    count, height, width, channels = maps.shape
    rows, columns = height // PLACE, width // PLACE
    cut = maps[:, : rows * PLACE, : columns * PLACE]
    return np.asarray(cut.reshape(count, rows, PLACE, columns, PLACE, channels).max(axis=(2, 4)))


def _strongest(places: int) -> int:
    return max(1, round(STRONGEST_SHARE * places))
