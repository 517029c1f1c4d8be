"""Convolution features of frames, computed once: whatever was seen before comes from the cache."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screen_time.inference_engine import inference_engine
from screen_time.manifest import InputSpec
from training import weights
from training.backbone import Maps, Preprocessing, build_backbone
from training.conversion import to_openvino
from training.dataset import Frames
from training.environment import cache_directory
from training.winograd_backbone import WinogradBackbone

Vectors = NDArray[np.floating]
"""n × d: what a head keeps of the maps. The cache holds half precision, which changes a head's answers by less than the
served form may differ, and halves what is kept; single precision where features are exact."""

Backbone = Callable[[Frames], Maps]
"""From uint8 frames to the maps of a layer."""

BATCH = 8


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features are made by: equal kinds and equal frames give equal features.

    `layer` is the layer of VGG16 whose maps `reduce` turns into vectors. `recipe` names what `reduce` does in the
    cache: another recipe, another name. `exact` features are computed in single precision, though the processor may be
    faster in a lower one.
    """

    spec: InputSpec
    preprocessing: Preprocessing
    layer: str
    recipe: str
    reduce: Callable[[Maps], Vectors]
    exact: bool = False

    @property
    def directory(self) -> Path:
        """Where the cache keeps features of this kind, one file a frame, named by the frame's content."""
        size = f"{self.spec.height}x{self.spec.width}"
        name = f"{weights.DIGEST[:16]}-{self.preprocessing}-{size}-{self.layer}-{self.recipe}"
        return cache_directory(f"features/{name}{'-exact' if self.exact else ''}")


def extract_features(
    frames: Frames, kind: FeatureKind, vgg16: weights.Tensors, progress: Callable[[int], None] = lambda _frames: None
) -> Vectors:
    """Features of prepared `frames`, in their order; `progress` gets the number of frames done since the last call."""
    directory = kind.directory
    paths = [directory / f"{hashlib.sha256(frame.tobytes()).hexdigest()}.npy" for frame in frames]
    missing = [index for index, path in enumerate(paths) if not path.exists()]
    progress(len(frames) - len(missing))
    for indices, vectors in _computed(frames, missing, kind, vgg16):
        for index, vector in zip(indices, vectors, strict=True):
            _store(paths[index], vector)
        progress(len(indices))
    return np.stack([np.load(path) for path in paths])


def _computed(
    frames: Frames, indices: list[int], kind: FeatureKind, vgg16: weights.Tensors
) -> Iterator[tuple[list[int], Vectors]]:
    """Batches of indices with their features; the backbone is built only where there is something to compute."""
    if not indices:
        return
    backbone = _in_bfloat16(kind, vgg16) if not kind.exact and _has_bfloat16() else _in_single_precision(kind, vgg16)
    for start in range(0, len(indices), BATCH):
        batch = indices[start : start + BATCH]
        yield batch, kind.reduce(backbone(frames[batch])).astype(np.float32 if kind.exact else np.float16)


def _in_single_precision(kind: FeatureKind, vgg16: weights.Tensors) -> Backbone:
    """Half of OpenVINO's time for the same precision: ncnn has the transforms that save multiplications."""
    return WinogradBackbone(kind.preprocessing, vgg16, kind.layer).maps


def _in_bfloat16(kind: FeatureKind, vgg16: weights.Tensors) -> Backbone:
    """OpenVINO, as in the function itself; in its default precision."""
    model = to_openvino(build_backbone(kind.spec, kind.preprocessing, vgg16, kind.layer))
    compiled = inference_engine().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    return lambda frames: np.asarray(compiled(frames)[compiled.outputs[0]], dtype=np.float32)


def _has_bfloat16() -> bool:
    return "BF16" in inference_engine().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _store(path: Path, vector: Vectors) -> None:
    # Renamed into place: another training never loads half a file.
    temporary = path.with_suffix(f".{os.getpid()}.tmp.npy")
    np.save(temporary, vector)
    temporary.replace(path)
