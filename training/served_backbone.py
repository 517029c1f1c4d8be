"""VGG16's convolutions as the function has them: with fewer multiplications, in eight bits, for the frames at hand.

What a head learns from them, and how it is tested on them, is what it will do in service. A head that learned from the
whole convolutions was less right in service than was reported.
"""

import shutil
import threading
import time
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from screen_time import processors
from screen_time.classifier import OPTIONS
from screen_time.inference_engine import inference_engine
from training.backbone import Halves, Maps, build_backbone
from training.conversion import store_model, to_openvino
from training.dataset import Frames
from training.environment import cache_directory, store_arrays
from training.features import FeatureKind, Source
from training.quantisation import RECIPES, fingerprint, quantise
from training.separable_kernels import find_halves
from training.weights import LAYERS, Tensors

if TYPE_CHECKING:
    import keras
    import openvino

KEPT_DAYS = 7
"""Other frames make other convolutions, and all features anew: those that nobody used for so long are deleted."""

_PARTS = tuple(each.name for each in fields(Halves))


@dataclass(frozen=True)
class ServedBackbone:
    """What `pictures` (training.quantisation_frames) make of VGG16's convolutions, by the first of RECIPES.

    The Keras form has the same kernels in single precision.
    """

    kind: FeatureKind
    vgg16: Tensors
    pictures: Frames

    def features(self) -> Source:
        """In eight bits, made here unless the cache has them."""
        path = self._cached(".xml")
        if not path.exists():
            store_model(path, quantise(self._converted, self.pictures, RECIPES[0]))
        _forget_others(self.kind, self._name)
        return Source(self._name, lambda: _Threads(path).maps, workers=processors.available())

    def exact(self) -> Source:
        """In single precision, and kept so."""
        return Source(f"{self._name}-exact", lambda: _Threads(self._converted).maps, np.float32, processors.available())

    def model(self) -> "keras.Model":
        """The Keras form."""
        return self._build(self._halves)

    @cached_property
    def _converted(self) -> "openvino.Model":
        return to_openvino(self.model())

    def _build(self, halves: dict[str, Halves]) -> "keras.Model":
        return build_backbone(self.kind.spec, self.kind.preprocessing, self.vgg16, self.kind.layer, halves)

    @cached_property
    def _halves(self) -> dict[str, Halves]:
        """By the name of the convolution; those that stay whole are not among them."""
        path = self._cached(".npz")
        if not path.exists():
            found = find_halves(to_openvino(self._build({})), self.pictures, RECIPES[0].share)
            names = (name for name, _channels in LAYERS)
            _store(path, {name: each for name, each in zip(names, found, strict=False) if each is not None})
        return _load(path)

    @cached_property
    def _name(self) -> str:
        return f"served-{fingerprint(self.pictures, RECIPES[0])[:16]}"

    def _cached(self, suffix: str) -> Path:
        return cache_directory("served-backbones") / f"{self.kind.name}-{self._name}{suffix}"


def _store(path: Path, halves: dict[str, Halves]) -> None:
    store_arrays(path, {f"{name}/{part}": getattr(each, part) for name, each in halves.items() for part in _PARTS})


def _load(path: Path) -> dict[str, Halves]:
    with np.load(path) as arrays:
        names = dict.fromkeys(name.partition("/")[0] for name in arrays.files)
        return {name: Halves(*(arrays[f"{name}/{part}"] for part in _PARTS)) for name in names}


class _Threads:
    """A model that answers a frame on each processor, as in the function."""

    def __init__(self, model: "Path | openvino.Model") -> None:
        self._compiled = inference_engine().compile_model(model, "CPU", OPTIONS)
        self._of_thread = threading.local()

    def maps(self, frames: Frames) -> Maps:
        """What it answers to each frame; any thread may ask."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        request = self._of_thread.request
        return np.concatenate([np.array(request.infer([frame[None]])[0], dtype=np.float32) for frame in frames])


def _forget_others(kind: FeatureKind, name: str) -> None:
    """Delete features of this kind that come from other served convolutions, where nobody used them lately."""
    for folder in cache_directory("features").glob(f"{kind.name}-served-*"):
        unused = time.time() - folder.stat().st_mtime
        if unused > KEPT_DAYS * 24 * 3600 and not folder.name.startswith(f"{kind.name}-{name}"):
            shutil.rmtree(folder, ignore_errors=True)
