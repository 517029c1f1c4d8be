"""VGG16's convolutions as they are: what the article's head learns from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from screen_time.inference_engine import inference_engine
from training.backbone import build_backbone
from training.conversion import to_openvino
from training.features import Answer, FeatureKind, Source
from training.weights import Tensors
from training.winograd_backbone import WinogradBackbone

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class WholeBackbone:
    """Computed by whatever is fastest here."""

    kind: FeatureKind
    vgg16: Tensors

    def features(self) -> Source:
        """In bfloat16 where the processor has it."""
        return Source("fastest", self._in_bfloat16 if has_bfloat16() else self._in_single_precision)

    def exact(self) -> Source:
        """In single precision, and kept so."""
        return Source("exact", self._in_single_precision, np.float32)

    def model(self) -> "keras.Model":
        """The Keras form."""
        return build_backbone(self.kind.spec, self.kind.preprocessing, self.vgg16, self.kind.layer)

    def _in_single_precision(self) -> Answer:
        """Half of OpenVINO's time for the same precision: ncnn has the transforms that save multiplications."""
        return WinogradBackbone(self.kind.preprocessing, self.vgg16, self.kind.layer).maps

    def _in_bfloat16(self) -> Answer:
        """OpenVINO in its default precision."""
        compiled = inference_engine().compile_model(to_openvino(self.model()), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        return lambda frames: np.asarray(compiled(frames)[compiled.outputs[0]], dtype=np.float32)


def has_bfloat16() -> bool:
    """Whether this processor multiplies in it."""
    return "BF16" in inference_engine().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
