"""The model that is measured where none is given: VGG16 with an untrained linear head, as INT8 OpenVINO and as Keras.

What a head has learnt does not change its speed. A registered model takes its place with `--model DIRECTORY`.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import MANIFEST_NAME, Fit, InputSpec, Manifest, Semantics, sha256
from training.backbone import Preprocessing, build_backbone
from training.conversion import to_openvino
from training.environment import no_warnings
from training.weights import load_weights

LABELS = ("jerry", "tom")
CALIBRATION_FRAMES = 32


def keras_model(spec: InputSpec) -> Any:  # noqa: ANN401 (Keras publishes no types)
    """uint8 frames in, one probability a label out."""
    import keras

    backbone = build_backbone(spec, Preprocessing.CAFFE, load_weights())
    pooled = keras.layers.Concatenate()(
        [keras.layers.GlobalAveragePooling2D()(backbone.output), keras.layers.GlobalMaxPooling2D()(backbone.output)]
    )
    keras.utils.set_random_seed(0)
    return keras.Model(backbone.input, keras.layers.Dense(len(LABELS), activation="sigmoid")(pooled))


def make(spec: InputSpec, clip: Path, folder: Path) -> Path:
    """The served form in `folder`, made unless it is there; quantised with frames of `clip`."""
    directory = folder / f"int8-{spec.height}x{spec.width}"
    if (directory / MANIFEST_NAME).exists():
        return directory
    with no_warnings():
        import nncf
        import openvino

        directory.mkdir(parents=True, exist_ok=True)
        data = nncf.Dataset([frame[None] for frame in _frames(clip, spec)])
        quantised = nncf.quantize(to_openvino(keras_model(spec)), data, subset_size=CALIBRATION_FRAMES)
        openvino.save_model(quantised, directory / "model.xml")
    files = {name: sha256((directory / name).read_bytes()) for name in ("model.xml", "model.bin")}
    manifest = Manifest(
        LABELS, Semantics.INDEPENDENT, None, (0.5,) * len(LABELS), spec, "benchmark", "openvino-int8", files
    )
    (directory / MANIFEST_NAME).write_bytes(manifest.to_json())
    return directory


def _frames(clip: Path, spec: InputSpec) -> list[NDArray[np.uint8]]:
    """Frames of the whole clip, squeezed to the model's size."""
    capture = cv2.VideoCapture(str(clip))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    chosen = set(np.linspace(0, count - 1, CALIBRATION_FRAMES).astype(int).tolist())
    frames = []
    for number in range(count):
        found = capture.grab()
        if found and number in chosen:
            image = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
            small = cv2.resize(image, (spec.width, spec.height), interpolation=cv2.INTER_AREA)
            frames.append(np.asarray(small, dtype=np.uint8))
    capture.release()
    return frames


def default_spec() -> InputSpec:
    """The input of the model that training makes unless told otherwise."""
    return InputSpec(224, 398, Fit.PAD)
