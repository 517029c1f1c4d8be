"""Convolution features of frames, computed once: whatever was seen before comes from the cache."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec
from training import weights
from training.backbone import Maps, Preprocessing
from training.dataset import Frames
from training.environment import cache_directory

if TYPE_CHECKING:
    import keras

Vectors = NDArray[np.floating]
"""n × d: what a head keeps of the maps."""

Answer = Callable[[Frames], Maps]
"""From uint8 frames to the maps of a layer."""

BATCH = 8


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features are made of: `layer` is the layer of VGG16 whose maps `reduce` turns into vectors.

    `recipe` names what `reduce` does in the cache: another recipe, another name. `as_served` features come from the
    convolutions as the function has them, so that what is learned and what is reported is what will be answered.
    """

    spec: InputSpec
    preprocessing: Preprocessing
    layer: str
    recipe: str
    reduce: Callable[[Maps], Vectors]
    as_served: bool = False

    @property
    def name(self) -> str:
        """Of the cache's folder."""
        size = f"{self.spec.height}x{self.spec.width}"
        return f"{weights.DIGEST[:16]}-{self.preprocessing}-{size}-{self.layer}-{self.recipe}"


@dataclass(frozen=True, slots=True)
class Source:
    """What computes maps: equal names, kinds and frames give equal features.

    What answers is made only where something is missing; so many `workers` call it at once. Features are kept in
    `precision`: half of it changes a head's answers by less than the served form may differ, and halves the cache.
    """

    name: str
    make: Callable[[], Answer]
    precision: type[np.floating] = np.float16
    workers: int = 1


class Backbone(Protocol):
    """VGG16's convolutions, up to the layer of `kind`."""

    @property
    def kind(self) -> FeatureKind:
        """What features of it are."""

    def features(self) -> Source:
        """What a head learns from, made ready."""

    def exact(self) -> Source:
        """What `model` answers, in single precision."""

    def model(self) -> "keras.Model":
        """The same in Keras: uint8 frames in, the layer's maps out."""


def extract_features(
    frames: Frames, kind: FeatureKind, source: Source, progress: Callable[[int], None] = lambda _frames: None
) -> Vectors:
    """Features of prepared `frames`, in their order; `progress` gets the number of frames done since the last call.

    The cache keeps them one file a frame, named by the frame's content.
    """
    directory = cache_directory(f"features/{kind.name}-{source.name}")
    directory.touch()  # tells when these features were last used
    paths = [directory / f"{hashlib.sha256(frame.tobytes()).hexdigest()}.npy" for frame in frames]
    missing = [index for index, path in enumerate(paths) if not path.exists()]
    progress(len(frames) - len(missing))
    for indices, vectors in _computed(frames, missing, kind, source):
        for index, vector in zip(indices, vectors, strict=True):
            _store(paths[index], vector)
        progress(len(indices))
    return np.stack([np.load(path) for path in paths])


def _computed(
    frames: Frames, indices: list[int], kind: FeatureKind, source: Source
) -> Iterator[tuple[list[int], Vectors]]:
    """Batches of indices with their features."""
    if not indices:
        return
    answer = source.make()
    batches = [indices[start : start + BATCH] for start in range(0, len(indices), BATCH)]
    with ThreadPoolExecutor(source.workers) as pool:
        made = pool.map(lambda batch: kind.reduce(answer(frames[batch])).astype(source.precision), batches)
        yield from zip(batches, made, strict=True)


def _store(path: Path, vector: Vectors) -> None:
    # Renamed into place: another training never loads half a file.
    temporary = path.with_suffix(f".{os.getpid()}.tmp.npy")
    np.save(temporary, vector)
    temporary.replace(path)
