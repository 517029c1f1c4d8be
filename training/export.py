"""The finished model in its two forms: the Keras reference, and the INT8 OpenVINO IR that the function serves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from screen_time.classifier import MODEL_FILE, OPTIONS, Classifier, Probabilities
from screen_time.inference_engine import inference_engine
from screen_time.manifest import MANIFEST_NAME, Manifest, sha256
from training import quantisation_frames
from training.agreement import CONVERSION_TOLERANCE, Differences, Shown, differences
from training.calibration import Calibration
from training.conversion import to_openvino
from training.dataset import Frames, file_sha256
from training.environment import import_keras, no_warnings
from training.errors import ExportError
from training.features import Backbone
from training.head import FittedHead
from training.quantisation import RECIPES, quantise

if TYPE_CHECKING:
    import keras
    import openvino

FORM = "openvino-int8"

Reference = Callable[[Frames], Probabilities]
"""A model's answers to frames in full precision."""

CHECKED_IN_KERAS = 8
"""How many of the frames that are checked TensorFlow answers too, which is slow."""

_BATCH = 8


@dataclass(frozen=True, slots=True)
class ServedForm:
    """A directory with manifest.json and the files it names, and SHA-256 of the manifest."""

    directory: Path
    manifest: Manifest
    digest: str
    differences: Differences


def build_model(backbone: Backbone, fitted: FittedHead, calibration: Calibration | None = None) -> "keras.Model":
    """The whole model: uint8 RGB frames [n, height, width, 3] in, probabilities [n, labels] out.

    A head that knows where it looked adds a second output: maps [n, rows, columns, labels].
    """
    import_keras()
    import keras

    # Names are counted up within a process: from the start here, so that equal models become equal files.
    keras.utils.clear_session()
    convolutions = backbone.model()
    attached = fitted.attach(convolutions.output)
    raw = attached.probabilities
    outputs = [raw if calibration is None else calibration.attach(raw)]
    if attached.maps is not None:
        outputs.append(attached.maps)
    return keras.Model(convolutions.input, outputs if len(outputs) > 1 else outputs[0], name="screen_time")


def reference_form(model: "keras.Model") -> "keras.Model":
    """The model with its probabilities alone: what MLflow's users load."""
    import keras

    return keras.Model(model.input, model.outputs[0], name=model.name)


def export(
    model: "keras.Model",
    manifest: Manifest,
    frames: Frames,
    directory: Path,
    shown: Shown | None = None,
    reference: Reference | None = None,
) -> ServedForm:
    """Convert `model` to an OpenVINO IR in INT8 in `directory`, and check it against the Keras form.

    The model takes uint8 frames; its first output are the probabilities, others pass through. One half of `frames`
    tells the ranges and ranks of activations, the other half is answered by both forms
    (training.quantisation_frames). `shown` is what these frames are known to show, row by row; without it they last
    equally long and accuracy is not compared. TensorFlow answers CHECKED_IN_KERAS frames only: `reference`, by default
    the IR before quantising, must give these the same answers to CONVERSION_TOLERANCE, and stands for the Keras form on
    the others.

    Raises ExportError, with the figures, where no way of quantising keeps within the bounds of training.agreement.
    """
    shown = shown or Shown(np.full(len(frames), 1000, dtype=np.int64))
    checked = quantisation_frames.checked(len(frames))
    converted = to_openvino(model)
    expected = _answers(converted, frames[checked]) if reference is None else reference(frames[checked])
    full_precision = _conversion_difference(model, frames[checked], expected)
    failures = []
    pictures = quantisation_frames.pictures(frames, manifest.input)
    for recipe in RECIPES:
        finished = _write(quantise(converted, pictures, recipe), manifest, directory)
        digest = sha256(finished.to_json())
        served = Classifier.load(directory, digest)
        answers = np.concatenate([served.probabilities(batch) for batch in _batches(frames[checked])])
        found = differences(answers, expected, shown.rows(checked), finished, full_precision)
        faults = found.faults()
        if not faults:
            return ServedForm(directory, finished, digest, found)
        failures.append(f"{recipe.name}: {', '.join(faults)}")
    raise ExportError(
        f"The INT8 form differs from the Keras form on {len(checked)} frames ({'; '.join(failures)}); "
        "nothing was registered."
    )


def _write(quantised: "openvino.Model", manifest: Manifest, directory: Path) -> Manifest:
    import openvino

    directory.mkdir(parents=True, exist_ok=True)
    path = directory / MODEL_FILE
    openvino.save_model(quantised, path, compress_to_fp16=False)
    finished = replace(manifest, form=FORM, files=_digests(path))
    (directory / MANIFEST_NAME).write_bytes(finished.to_json())
    return finished


def _digests(path: Path) -> Mapping[str, str]:
    return {file.name: file_sha256(file) for file in (path, path.with_suffix(".bin"))}


def _batches(frames: Frames) -> list[Frames]:
    return [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]


def _answers(model: "openvino.Model", frames: Frames) -> Probabilities:
    """Probabilities in full precision."""
    # One frame after the other, each on all threads: there is no decoder beside it.
    compiled = inference_engine().compile_model(model, "CPU", OPTIONS | {"NUM_STREAMS": "1"})
    answers = [np.array(compiled(batch)[compiled.outputs[0]], dtype=np.float32) for batch in _batches(frames)]
    return np.concatenate(answers)


def _conversion_difference(model: "keras.Model", frames: Frames, answers: Probabilities) -> float:
    """How far, at most, `answers` to some of `frames` are from Keras's; raises ExportError where that is too far."""
    chosen = quantisation_frames.evenly(np.arange(len(frames)), CHECKED_IN_KERAS)
    with no_warnings():
        found = model.predict(frames[chosen], batch_size=_BATCH, verbose=0)
    first = found[0] if isinstance(found, list | tuple) else found
    difference = float(np.abs(np.asarray(first, dtype=np.float32) - answers[chosen]).max())
    if not difference <= CONVERSION_TOLERANCE:
        raise ExportError(
            f"The probabilities before quantising differ from the Keras form's by {difference:.2g}; "
            "nothing was registered."
        )
    return difference
