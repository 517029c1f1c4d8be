"""VGG16's frozen convolutions as a Keras model that takes uint8 frames: preprocessing is part of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec
from training.environment import import_keras
from training.weights import LAYERS, Tensors

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

POOLED_AFTER = {
    "block1_conv2": "block1_pool",
    "block2_conv2": "block2_pool",
    "block3_conv3": "block3_pool",
    "block4_conv3": "block4_pool",
    "block5_conv3": LAST_LAYER,
}
"""The convolutions that a pooling layer follows, of 2 × 2 places."""


@dataclass(frozen=True, slots=True)
class Halves:
    """Kernels of height × 1 and then 1 × width (out × in × …) in the place of one, and the bias of what they answer."""

    down: NDArray[np.float32]
    across: NDArray[np.float32]
    bias: NDArray[np.float32]


def build_backbone(
    spec: InputSpec,
    preprocessing: Preprocessing,
    weights: Tensors,
    layer: str = LAST_LAYER,
    halves: Mapping[str, Halves] = MappingProxyType({}),
) -> "keras.Model":
    """uint8 frames [n, spec.height, spec.width, 3] in, float32 maps of VGG16's `layer` out [n, rows, columns, 512].

    Convolutions named in `halves` are these two instead of their own kernel.
    """
    import_keras()
    import keras

    frames = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="frames")
    tensors = for_rgb(weights) if preprocessing is Preprocessing.CAFFE else weights
    maps = _preprocess(frames, preprocessing)
    for (name, _channels), kernel, bias in zip(LAYERS, tensors[::2], tensors[1::2], strict=True):
        maps = _in_halves(maps, name, halves[name]) if name in halves else _whole(maps, name, kernel, bias)
        if (pooling := POOLED_AFTER.get(name)) is not None:
            maps = keras.layers.MaxPooling2D(name=pooling)(maps)
        if pooling == layer:
            break
    model = keras.Model(frames, maps, name="vgg16")
    model.trainable = False
    return model


def _whole(
    maps: "keras.KerasTensor", name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> "keras.KerasTensor":
    from keras import layers

    convolution = layers.Conv2D(len(bias), kernel.shape[:2], padding="same", activation="relu", name=name)
    return _with_weights(convolution, maps, [kernel, bias])


def _in_halves(maps: "keras.KerasTensor", name: str, halves: Halves) -> "keras.KerasTensor":
    from keras import layers

    down, across = (kernel.transpose(2, 3, 1, 0) for kernel in (halves.down, halves.across))
    first = layers.Conv2D(down.shape[-1], down.shape[:2], padding="same", use_bias=False, name=f"{name}_down")
    second = layers.Conv2D(across.shape[-1], across.shape[:2], padding="same", activation="relu", name=name)
    return _with_weights(second, _with_weights(first, maps, [down]), [across, halves.bias])


def _with_weights(layer: "keras.Layer", maps: "keras.KerasTensor", weights: Tensors) -> "keras.KerasTensor":
    answers = layer(maps)
    layer.set_weights(weights)
    return answers


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
