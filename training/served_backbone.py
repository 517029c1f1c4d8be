"""VGG16's convolutions as the function has them: fewer multiplications, in eight bits, for the frames at hand.

What a head learns from them, and how it is tested on them, is what it will do in service. Learned from the whole
convolutions and served by these it was less right than was reported.
"""

import shutil
import threading
import time
from pathlib import Path

import numpy as np

from screen_time import processors
from screen_time.classifier import OPTIONS
from screen_time.inference_engine import inference_engine
from training.backbone import Maps, build_backbone
from training.conversion import store_model, to_openvino
from training.dataset import Frames
from training.environment import cache_directory
from training.features import FeatureKind, Source
from training.quantisation import RECIPES, fingerprint, quantise
from training.weights import Tensors

KEPT_DAYS = 7
"""Other frames make other convolutions, and all features anew: those that nobody used for so long are deleted."""


def served(kind: FeatureKind, vgg16: Tensors, pictures: Frames) -> Source:
    """What `pictures` make of VGG16's convolutions by the first of RECIPES; made here unless the cache has it."""
    name = f"served-{fingerprint(pictures, RECIPES[0])[:16]}"
    path = cache_directory("served-backbones") / f"{kind.name}-{name}.xml"
    if not path.exists():
        whole = to_openvino(build_backbone(kind.spec, kind.preprocessing, vgg16, kind.layer))
        store_model(path, quantise(whole, pictures, RECIPES[0]))
    _forget_others(kind, name)
    return Source(name, lambda: _ServedBackbone(path).maps, workers=processors.available())


class _ServedBackbone:
    """A frame on each processor, as in the function."""

    def __init__(self, path: Path) -> None:
        self._compiled = inference_engine().compile_model(path, "CPU", OPTIONS)
        self._of_thread = threading.local()

    def maps(self, frames: Frames) -> Maps:
        """What the layer answers to each frame; any thread may ask."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        request = self._of_thread.request
        return np.concatenate([np.array(request.infer([frame[None]])[0], dtype=np.float32) for frame in frames])


def _forget_others(kind: FeatureKind, name: str) -> None:
    """Delete features of this kind that come from other served convolutions, where nobody used them lately."""
    used = cache_directory(f"features/{kind.name}-{name}")
    used.touch()
    for folder in used.parent.glob(f"{kind.name}-served-*"):
        if time.time() - folder.stat().st_mtime > KEPT_DAYS * 24 * 3600:
            shutil.rmtree(folder, ignore_errors=True)
