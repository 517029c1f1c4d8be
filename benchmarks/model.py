"""The model that is measured where none is given: the default one, as INT8 OpenVINO and as Keras, learned from noise.

What a head has learned does not change its speed. A registered model takes its place with `--model DIRECTORY`.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import MANIFEST_NAME, InputSpec, Manifest, Semantics, sha256
from training import summaries
from training.environment import no_warnings
from training.export import FORM, build_model
from training.head import Examples
from training.head_joint import BLOCK_4_STEP, JOINT
from training.quantisation import RECIPES, quantise
from training.splits import Fold
from training.weights import load_weights
from training.whole_backbone import WholeBackbone

if TYPE_CHECKING:
    import keras

LABELS = ("neither", "jerry", "tom")
CALIBRATION_FRAMES = 24
SPEC = JOINT.features.spec
CHANNELS = 512


def keras_model() -> "keras.Model":
    """The default head on VGG16's whole convolutions: uint8 frames in, probabilities and where it looked out."""
    step = BLOCK_4_STEP * summaries.PLACE
    places = (SPEC.height // step) * (SPEC.width // step)
    vectors = np.random.default_rng(0).random((2 * len(LABELS), (summaries.POOLED + places) * CHANNELS))
    targets = np.tile(np.eye(len(LABELS), dtype=np.float32), (2, 1))
    examples = Examples.plain(vectors.astype(np.float32), targets)
    (fitted,) = JOINT.fit(examples, [Fold(np.arange(len(targets)), np.arange(0))], Semantics.EXCLUSIVE, 0)
    return build_model(WholeBackbone(JOINT.features, load_weights()), fitted)


def make(clip: Path, folder: Path) -> Path:
    """The served form in `folder`, made unless it is there; quantised and reduced with frames of `clip`."""
    from training.conversion import to_openvino

    directory = folder / f"default-{JOINT.features.layer}-{SPEC.height}x{SPEC.width}-{RECIPES[0].share}"
    if (directory / MANIFEST_NAME).exists():
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    with no_warnings():
        import openvino

        quantised = quantise(to_openvino(keras_model()), np.stack(_frames(clip, SPEC)), RECIPES[0])
        openvino.save_model(quantised, directory / "model.xml", compress_to_fp16=False)
    files = {name: sha256((directory / name).read_bytes()) for name in ("model.xml", "model.bin")}
    manifest = Manifest(LABELS, Semantics.EXCLUSIVE, LABELS[0], (), SPEC, JOINT.name, FORM, {})
    (directory / MANIFEST_NAME).write_bytes(replace(manifest, files=files).to_json())
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
