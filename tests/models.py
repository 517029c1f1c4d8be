"""Small served models with an answer that can be told from a frame's colour, made without any training."""

from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as op

from screen_time.manifest import MANIFEST_NAME, Fit, InputSpec, Manifest, Semantics, sha256

COLOURS = ("red", "green", "blue")
SIZE = InputSpec(32, 48, Fit.SQUEEZE)


def write_colour_model(
    directory: Path,
    labels: tuple[str, ...] = COLOURS,
    semantics: Semantics = Semantics.EXCLUSIVE,
    nobody: str | None = None,
    *,
    maps: bool = False,
) -> Manifest:
    """Write a model whose probability for label i grows with the frame's mean of colour channel i.

    Exclusive: softmax over the channels. Independent: the channel's mean / 255 by itself, with thresholds of 0.5.
    With `maps` it tells where it looked too: the channel's mean / 255 in each of 4 × 6 places.
    """
    directory.mkdir(parents=True, exist_ok=True)
    frames = op.parameter([-1, SIZE.height, SIZE.width, 3], np.uint8, name="frames")
    means = op.reduce_mean(op.convert(frames, "f32"), op.constant([1, 2]), keep_dims=False)
    if semantics is Semantics.EXCLUSIVE:
        output = op.softmax(op.multiply(means, op.constant(np.float32(0.1))), axis=1)
    else:
        output = op.multiply(means, op.constant(np.float32(1 / 255)))
    outputs = [output, _channel_by_place(frames)] if maps else [output]
    openvino.save_model(openvino.Model(outputs, [frames], "colours"), directory / "model.xml", compress_to_fp16=False)
    manifest = Manifest(
        labels=labels,
        semantics=semantics,
        nobody=nobody,
        thresholds=(0.5,) * len(labels) if semantics is Semantics.INDEPENDENT else (),
        input=SIZE,
        head="colours",
        form="openvino-fp32",
        files={name: sha256((directory / name).read_bytes()) for name in ("model.xml", "model.bin")},
    )
    (directory / MANIFEST_NAME).write_bytes(manifest.to_json())
    return manifest


def _channel_by_place(frames: openvino.Node) -> openvino.Node:
    """The means of each channel in each of 4 × 6 places, in 0 … 1."""
    places = op.reshape(op.convert(frames, "f32"), op.constant([-1, 4, 8, 6, 8, 3]), special_zero=False)
    return op.multiply(op.reduce_mean(places, op.constant([2, 4]), keep_dims=False), op.constant(np.float32(1 / 255)))
