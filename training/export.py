"""The finished model in its two forms: the Keras reference, and the OpenVINO IR that the function serves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from screen_time.classifier import MODEL_FILE, Classifier, Probabilities
from screen_time.manifest import MANIFEST_NAME, Manifest, sha256
from training import weights
from training.backbone import build_backbone
from training.conversion import to_openvino
from training.dataset import Frames, file_sha256
from training.environment import import_keras, no_warnings
from training.errors import ExportError
from training.head import FittedHead, Head

if TYPE_CHECKING:
    import keras

FORM = "openvino-fp32"
TOLERANCE = 1e-3
"""The largest difference of a probability that the IR may have from the Keras model, in the same precision."""

SERVED_TOLERANCE = 0.1
"""The same for the IR as this machine serves it: some processors compute in bfloat16 by themselves."""

CHECKED_FRAMES = 8
"""How many frames both forms answer before a version is registered."""


@dataclass(frozen=True, slots=True)
class Differences:
    """The largest difference of any probability from the Keras form's, in full precision and as served here."""

    full_precision: float
    as_served: float


@dataclass(frozen=True, slots=True)
class ServedForm:
    """A directory with manifest.json and the files it names, and SHA-256 of the manifest."""

    directory: Path
    manifest: Manifest
    digest: str
    differences: Differences


def build_model(head: Head, fitted: FittedHead, vgg16: weights.Tensors) -> "keras.Model":
    """The whole model: uint8 RGB frames [n, height, width, 3] in, probabilities [n, labels] out."""
    import_keras()
    import keras

    # Names are counted up within a process: from the start here, so that equal models become equal files.
    keras.utils.clear_session()
    backbone = build_backbone(head.features.spec, head.features.preprocessing, vgg16)
    return keras.Model(backbone.input, fitted.attach(backbone.output), name="screen_time")


def export(model: "keras.Model", manifest: Manifest, frames: Frames, directory: Path) -> ServedForm:
    """Convert `model` to an OpenVINO IR in `directory` and check it on `frames` against the Keras form.

    Raises ExportError where an answer differs by more than the tolerance.
    """
    import openvino

    directory.mkdir(parents=True, exist_ok=True)
    path = directory / MODEL_FILE
    openvino.save_model(to_openvino(model), path, compress_to_fp16=False)
    finished = replace(manifest, form=FORM, files=_digests(path))
    (directory / MANIFEST_NAME).write_bytes(finished.to_json())
    digest = sha256(finished.to_json())
    return ServedForm(directory, finished, digest, _check(model, directory, digest, _some(frames)))


def _digests(path: Path) -> Mapping[str, str]:
    return {file.name: file_sha256(file) for file in (path, path.with_suffix(".bin"))}


def _some(frames: Frames) -> Frames:
    """Frames from the whole of them, evenly."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, CHECKED_FRAMES).astype(int))
    return np.asarray(frames[chosen])


def _check(model: "keras.Model", directory: Path, digest: str, frames: Frames) -> Differences:
    with no_warnings():
        reference = np.asarray(model.predict(frames, batch_size=8, verbose=0), dtype=np.float32)
    served = Classifier.load(directory, digest).probabilities(frames)
    differences = Differences(_largest(_in_full_precision(directory, frames), reference), _largest(served, reference))
    if not (differences.full_precision <= TOLERANCE and differences.as_served <= SERVED_TOLERANCE):
        raise ExportError(
            f"The OpenVINO form's probabilities differ from the Keras form's by {differences.full_precision:.2g} "
            f"(as served here {differences.as_served:.2g}); nothing was registered."
        )
    return differences


def _in_full_precision(directory: Path, frames: Frames) -> Probabilities:
    import openvino

    compiled = openvino.Core().compile_model(directory / MODEL_FILE, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(frames)[compiled.outputs[0]], dtype=np.float32)


def _largest(answers: Probabilities, reference: Probabilities) -> float:
    return float(np.abs(answers - reference).max())
