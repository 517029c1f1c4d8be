"""What the default head keeps of a frame's maps: three summaries of each channel, flat in one vector.

Roots of all of them: they keep the few channels that fire very strongly from outvoting the others. And all are divided
by how much the frame's places differ: another light, another palette or another drawing makes all of a frame's maps
stronger or weaker, and says nothing about who is in it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.backbone import Maps
from training.features import Vectors

if TYPE_CHECKING:
    import keras

POOLED = 2
"""Summaries over all places, which come first: the maximum, and the mean of the strongest STRONGEST_SHARE of them."""

STRONGEST_SHARE = 0.05

PLACE = 2
"""A place is so many rows and columns of the maps, of which the strongest counts."""

FAINTEST = 1e-3
"""The least that a frame is divided by: a blank one has no places that differ."""


@dataclass(frozen=True, slots=True)
class Tensors:
    """The summaries as Keras tensors: `pooled` is n × (POOLED × channels), `places` n × rows × columns × channels."""

    pooled: "keras.KerasTensor"
    places: "keras.KerasTensor"


def summarise(maps: Maps) -> Vectors:
    """N × ((POOLED + rows × columns of places) × channels) for maps n × height × width × channels."""
    maps = maps.astype(np.float32)
    count, channels = len(maps), maps.shape[-1]
    flat = np.sort(maps.reshape(count, -1, channels), axis=1)
    strongest = flat[:, -_strongest(flat.shape[1]) :].mean(axis=1)
    places = np.sqrt(_places(maps).reshape(count, -1))
    roots = np.concatenate([np.sqrt(flat[:, -1]), np.sqrt(strongest), places], axis=1)
    return np.asarray(roots / np.maximum(places.std(axis=1, keepdims=True), FAINTEST))


def attach(maps: "keras.KerasTensor") -> Tensors:
    """The same in Keras's built-in layers and operations."""
    from keras import layers, ops

    _count, rows, columns, channels = maps.shape
    flat = ops.transpose(ops.reshape(maps, (-1, rows * columns, channels)), (0, 2, 1))
    strongest = ops.mean(ops.top_k(flat, _strongest(rows * columns))[0], axis=-1)
    pooled = ops.concatenate([layers.GlobalMaxPooling2D(name="highest")(maps), strongest], axis=-1)
    places = ops.sqrt(layers.MaxPooling2D(PLACE, name="places")(maps))
    differ = ops.maximum(ops.std(places, axis=(1, 2, 3), keepdims=True), FAINTEST)
    return Tensors(ops.sqrt(pooled) / differ[:, 0, 0], places / differ)


def pooled(vectors: Vectors, channels: int = 512) -> NDArray[np.float32]:
    """The pooled summaries of n vectors: n × (POOLED × channels)."""
    return vectors[:, : POOLED * channels].astype(np.float32)


def places(vectors: Vectors, channels: int = 512) -> NDArray[np.float32]:
    """The places of n vectors: n × places × channels."""
    return vectors[:, POOLED * channels :].reshape(len(vectors), -1, channels).astype(np.float32)


def _places(maps: Maps) -> Maps:
    count, height, width, channels = maps.shape
    rows, columns = height // PLACE, width // PLACE
    cut = maps[:, : rows * PLACE, : columns * PLACE]
    return np.asarray(cut.reshape(count, rows, PLACE, columns, PLACE, channels).max(axis=(2, 4)))


def _strongest(places: int) -> int:
    return max(1, round(STRONGEST_SHARE * places))
