"""VGG16's frozen convolutions as a Keras model that takes uint8 frames: preprocessing is part of it."""

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec
from training.environment import import_keras
from training.weights import Tensors

if TYPE_CHECKING:
    import keras

Maps = NDArray[np.float32]
"""n × height × width × channels: what a layer of the backbone answers."""

IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)
"""What these weights were trained with, as keras.applications.vgg16 has it (there in BGR order)."""


class Preprocessing(StrEnum):
    """How pixels 0 … 255 become the convolutions' input, in the words of `keras.applications`."""

    CAFFE = "caffe"
    """Minus the ImageNet mean: what the weights were trained with."""
    TF = "tf"
    """RGB in -1 … 1: what the classic uses."""


LAST_LAYER = "block5_pool"
"""VGG16's last layer before its classifier: maps of height // 32 × width // 32 × 512."""


def build_backbone(
    spec: InputSpec, preprocessing: Preprocessing, weights: Tensors, layer: str = LAST_LAYER
) -> "keras.Model":
    """uint8 frames [n, spec.height, spec.width, 3] in, float32 maps of VGG16's `layer` out [n, rows, columns, 512]."""
    import_keras()
    import keras

    frames = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="frames")
    vgg16 = keras.applications.VGG16(include_top=False, weights=None, input_tensor=_preprocess(frames, preprocessing))
    vgg16.set_weights(for_rgb(weights) if preprocessing is Preprocessing.CAFFE else weights)
    vgg16.trainable = False
    return keras.Model(frames, vgg16.get_layer(layer).output, name="vgg16")


def _preprocess(frames: "keras.KerasTensor", preprocessing: Preprocessing) -> "keras.KerasTensor":
    """Built-in layers only, so that the model loads anywhere without code of ours."""
    import keras

    if preprocessing is Preprocessing.TF:
        return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="to_unit_range")(frames)
    return keras.layers.Rescaling(1.0, offset=[-mean for mean in IMAGENET_MEAN_RGB], name="minus_mean")(frames)


def for_rgb(weights: Tensors) -> Tensors:
    """Weights learned from BGR, for RGB: the first kernel's channels are turned round once instead of every frame's."""
    kernel, *others = weights
    return [kernel[:, :, ::-1], *others]
