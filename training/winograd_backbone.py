"""VGG16's frozen convolutions in single precision with under half of the multiplications.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016), as ncnn has it for kernels of 3 × 3.
"""

import tempfile
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screen_time import processors
from training.backbone import IMAGENET_MEAN_RGB, Maps, Preprocessing, for_rgb
from training.dataset import Frames
from training.weights import LAYERS, Tensors

_MAGIC = "7767517"
_IN_SINGLE_PRECISION = b"\0\0\0\0"
"""Before a kernel in ncnn's file of weights."""


class WinogradBackbone:
    """uint8 frames [n, height, width, 3] of any size in, float32 maps of VGG16's pooling `layer` out."""

    def __init__(self, preprocessing: Preprocessing, weights: Tensors, layer: str) -> None:
        import ncnn

        self._preprocessing, self._layer = preprocessing, layer
        self._net = ncnn.Net()
        self._net.opt.num_threads = processors.available()
        for narrower in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(self._net.opt, f"use_{narrower}", False)
        kernels = for_rgb(weights) if preprocessing is Preprocessing.CAFFE else weights
        with tempfile.TemporaryDirectory() as folder:
            network, values = Path(folder) / "vgg16.param", Path(folder) / "vgg16.bin"
            network.write_text(_network(layer))
            values.write_bytes(_values(kernels))
            _check(self._net.load_param(str(network)))
            _check(self._net.load_model(str(values)))

    def maps(self, frames: Frames) -> Maps:
        """What `layer` answers to each frame: n × rows × columns × channels."""
        return np.stack([self._answer(frame) for frame in self._preprocessed(frames)])

    def _preprocessed(self, frames: Frames) -> NDArray[np.float32]:
        if self._preprocessing is Preprocessing.TF:
            return frames.astype(np.float32) / np.float32(127.5) - 1
        return frames.astype(np.float32) - np.array(IMAGENET_MEAN_RGB, dtype=np.float32)

    def _answer(self, frame: NDArray[np.float32]) -> Maps:
        import ncnn

        by_channel = np.ascontiguousarray(frame.transpose(2, 0, 1))
        extractor = self._net.create_extractor()
        # ncnn does not keep the array that it reads from: `by_channel` lives until the answer is there.
        _check(extractor.input("frame", ncnn.Mat(by_channel)))
        status, answer = extractor.extract(self._layer)
        _check(status)
        return np.array(answer).transpose(1, 2, 0)


def _check(status: int) -> None:
    """Raise where ncnn, which has no exceptions, says that it failed."""
    if status != 0:
        raise RuntimeError(f"ncnn failed with {status}")


def _network(last: str) -> str:
    """VGG16 up to the layer `last` in ncnn's language: a layer a line, with what it sees and how it is set."""
    lines = ["Input frame 0 1 frame"]
    seen, depth = "frame", 3
    for block, convolutions in groupby(LAYERS, key=lambda layer: layer[0].partition("_")[0]):
        for name, channels in convolutions:
            size = 9 * depth * channels
            lines.append(f"Convolution {name} 1 1 {seen} {name} 0={channels} 1=3 4=1 5=1 6={size} 9=1")
            seen, depth = name, channels
        lines.append(f"Pooling {block}_pool 1 1 {seen} {block}_pool 0=0 1=2 2=2 5=1")
        seen = f"{block}_pool"
        if seen == last:
            break
    return "\n".join([_MAGIC, f"{len(lines)} {len(lines)}", *lines]) + "\n"


def _values(weights: Tensors) -> bytes:
    """Kernels, out × in × height × width, and biases in the order of the layers; those left over are not read."""
    pairs = zip(weights[::2], weights[1::2], strict=True)
    return b"".join(
        _IN_SINGLE_PRECISION + np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)).tobytes() + bias.tobytes()
        for kernel, bias in pairs
    )
