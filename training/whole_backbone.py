"""VGG16's convolutions as they are, by whatever computes them fastest: for the article's head, and to compare with."""

import numpy as np

from screen_time.inference_engine import inference_engine
from training.backbone import build_backbone
from training.conversion import to_openvino
from training.features import Backbone, FeatureKind, Source
from training.weights import Tensors
from training.winograd_backbone import WinogradBackbone


def exact(kind: FeatureKind, vgg16: Tensors) -> Source:
    """In single precision, and kept so."""
    return Source("exact", lambda: _in_single_precision(kind, vgg16), np.float32)


def fastest(kind: FeatureKind, vgg16: Tensors) -> Source:
    """In bfloat16 where the processor has it."""
    make = _in_bfloat16 if _has_bfloat16() else _in_single_precision
    return Source("fastest", lambda: make(kind, vgg16))


def _in_single_precision(kind: FeatureKind, vgg16: Tensors) -> Backbone:
    """Half of OpenVINO's time for the same precision: ncnn has the transforms that save multiplications."""
    return WinogradBackbone(kind.preprocessing, vgg16, kind.layer).maps


def _in_bfloat16(kind: FeatureKind, vgg16: Tensors) -> Backbone:
    """OpenVINO in its default precision."""
    model = to_openvino(build_backbone(kind.spec, kind.preprocessing, vgg16, kind.layer))
    compiled = inference_engine().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    return lambda frames: np.asarray(compiled(frames)[compiled.outputs[0]], dtype=np.float32)


def _has_bfloat16() -> bool:
    return "BF16" in inference_engine().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
