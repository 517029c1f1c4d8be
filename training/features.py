"""Convolution features of frames, computed once: whatever was seen before comes from the cache."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec
from training import weights
from training.backbone import Preprocessing, build_backbone
from training.dataset import Frames
from training.environment import cache_directory

Features = NDArray[np.float16]
"""n × height/32 × width/32 × 512: the last pooling layer's maps. Half precision changes a head's answers by less than
the served form may differ, and halves what is kept."""

BATCH = 16

_RECIPE = 1
"""Counted up whenever what is computed changes, so that older caches are passed over."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features are made by: equal kinds and equal frames give equal features."""

    spec: InputSpec
    preprocessing: Preprocessing

    @property
    def directory(self) -> Path:
        """Where the cache keeps features of this kind, one file a frame, named by the frame's content."""
        name = f"{weights.DIGEST[:16]}-{self.preprocessing}-{self.spec.height}x{self.spec.width}-{_RECIPE}"
        return cache_directory(f"features/{name}")


def extract_features(
    frames: Frames, kind: FeatureKind, vgg16: weights.Tensors, progress: Callable[[int], None] = lambda _frames: None
) -> Features:
    """Features of prepared `frames`, in their order; `progress` gets the number of frames done since the last call."""
    paths = [kind.directory / f"{hashlib.sha256(frame.tobytes()).hexdigest()}.npy" for frame in frames]
    missing = [index for index, path in enumerate(paths) if not path.exists()]
    progress(len(frames) - len(missing))
    for indices, maps in _computed(frames, missing, kind, vgg16):
        for index, features in zip(indices, maps, strict=True):
            _store(paths[index], features)
        progress(len(indices))
    return np.stack([np.load(path) for path in paths])


def _computed(
    frames: Frames, indices: list[int], kind: FeatureKind, vgg16: weights.Tensors
) -> Iterator[tuple[list[int], Features]]:
    """Batches of indices with their features; the backbone is built only where there is something to compute."""
    if not indices:
        return
    backbone = build_backbone(kind.spec, kind.preprocessing, vgg16)
    import tensorflow as tf

    # Keras's predict sets up anew for every call and takes 1.4 times as long.
    signature = [tf.TensorSpec((None, *frames.shape[1:]), tf.uint8)]
    compute = tf.function(lambda batch: backbone(batch, training=False), input_signature=signature)
    for start in range(0, len(indices), BATCH):
        batch = indices[start : start + BATCH]
        yield batch, compute(tf.constant(frames[batch])).numpy().astype(np.float16)


def _store(path: Path, features: Features) -> None:
    # Renamed into place: another training never loads half a file.
    temporary = path.with_suffix(f".{os.getpid()}.tmp.npy")
    np.save(temporary, features)
    temporary.replace(path)
