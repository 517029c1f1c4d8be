"""The served form of small Keras models: INT8, within the bounds, the same bytes each time, on any processor."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import OPTIONS, Classifier
from screen_time.inference_engine import inference_engine
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from training.agreement import Shown, differences
from training.environment import import_keras
from training.errors import ExportError
from training.export import FORM, ServedForm, export
from training.quantisation import quantise

LABELS = ("neither", "red", "blue")
SPEC = InputSpec(32, 48, Fit.PAD)
FRAMES = 96

ANSWER = """
import sys
import numpy as np
from pathlib import Path
from screen_time.classifier import Classifier
answer = Classifier.load(Path(sys.argv[1])).classify(np.load(sys.argv[2]))
np.save(sys.argv[3], answer.probabilities)
"""


def manifest(semantics: Semantics = Semantics.EXCLUSIVE) -> Manifest:
    thresholds = (0.5, 0.5, 0.5) if semantics is Semantics.INDEPENDENT else ()
    return Manifest(LABELS, semantics, "neither" if not thresholds else None, thresholds, SPEC, "small", "", {})


def small_model(activation: str = "softmax", *, maps: bool = False) -> Any:
    """Three convolutions of fixed random weights and a head that has learned; `maps` adds an output, by a 1 × 1 one."""
    import_keras()
    import keras
    from keras import layers, ops

    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    frames = keras.Input((SPEC.height, SPEC.width, 3), dtype="uint8", name="frames")
    hidden = layers.Rescaling(1 / 127.5, offset=-1.0)(frames)
    for channels in (16, 32, 32):
        hidden = layers.Conv2D(channels, 3, padding="same", activation="relu")(hidden)
        hidden = layers.MaxPooling2D()(hidden)
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(hidden), layers.GlobalMaxPooling2D()(hidden)])
    dense = layers.Dense(3, activation=activation)
    outputs = [dense(ops.sqrt(pooled))]
    pictures, targets = coloured(5)
    vectors = np.sqrt(keras.Model(frames, pooled).predict(pictures, verbose=0))
    dense.set_weights([np.linalg.lstsq(vectors, 6 * targets - 3, rcond=1e-2)[0], np.zeros(3)])
    if maps:
        outputs.append(layers.Conv2D(3, 1, activation="relu", name="maps")(hidden))
    return keras.Model(frames, outputs if maps else outputs[0])


def coloured(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Noisy pictures that are grey, red or blue, and which of the three."""
    generator = np.random.default_rng(seed)
    which = generator.integers(0, 3, FRAMES)
    colours = np.array([(120, 120, 120), (200, 60, 60), (60, 60, 200)])[which][:, None, None]
    light = generator.integers(-50, 50, (FRAMES, 1, 1, 1))
    noise = generator.integers(-40, 40, (FRAMES, SPEC.height, SPEC.width, 3))
    return np.clip(colours + light + noise, 0, 255).astype(np.uint8), np.eye(3, dtype=np.float32)[which]


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint8]:
    """Pictures that the model has not learned from."""
    return coloured(3)[0]


@pytest.fixture(scope="module")
def model() -> Any:
    return small_model()


@pytest.fixture(scope="module")
def served(model: Any, frames: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> ServedForm:
    return export(model, manifest(), frames, tmp_path_factory.mktemp("served"))


def kernels(directory: Path) -> dict[str, set[str]]:
    """The names of the kernels that compute each kind of layer here; they end in the precision."""
    compiled = inference_engine().compile_model(directory / "model.xml", "CPU", OPTIONS)
    found: dict[str, set[str]] = {}
    for node in compiled.get_runtime_model().get_ops():
        info = node.get_rt_info()
        found.setdefault(str(info["layerType"].astype(str)), set()).add(str(info["primitiveType"].astype(str)))
    return found


def test_convolutions_are_computed_in_int8_and_the_head_is_not(served: ServedForm) -> None:
    """That is what makes it fast, and what keeps it accurate."""
    assert served.manifest.form == FORM == "openvino-int8"
    found = kernels(served.directory)
    assert {kernel.rpartition("_")[2] for kernel in found["Convolution"]} == {"I8"}
    assert {kernel.rpartition("_")[2] for kernel in found["FullyConnected"]} == {"f32"}


def test_it_answers_as_the_keras_form_within_the_bounds(
    served: ServedForm, model: Any, frames: NDArray[np.uint8]
) -> None:
    """Checked here against Keras itself, on every frame."""
    answers = Classifier.load(served.directory, served.digest).probabilities(frames)
    reference = np.asarray(model.predict(frames, verbose=0))
    assert 0 < np.abs(answers - reference).mean() <= 0.015
    assert served.differences.full_precision <= 1e-3
    assert served.differences.mean <= 0.015
    assert served.differences.frames == FRAMES // 2


def test_answers_are_the_same_on_a_processor_without_vnni(
    served: ServedForm, frames: NDArray[np.uint8], tmp_path: Path
) -> None:
    """With the instruction set capped: products added up in 16 bits must not saturate."""
    np.save(tmp_path / "frames.npy", frames)
    found = []
    for isa in ("DEFAULT", "AVX2"):
        target = tmp_path / f"{isa}.npy"
        command = [sys.executable, "-c", ANSWER, str(served.directory), str(tmp_path / "frames.npy"), str(target)]
        subprocess.run(command, check=True, timeout=60, env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa})
        found.append(np.load(target))
    assert np.allclose(found[0], found[1], atol=1e-4)


def test_the_same_model_and_frames_give_the_same_bytes(
    served: ServedForm, frames: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Though names are counted up within a process."""
    assert export(small_model(), manifest(), frames, tmp_path).digest == served.digest


def test_maps_pass_through_and_independent_labels_too(frames: NDArray[np.uint8], tmp_path: Path) -> None:
    """A second output tells where the model looked."""
    exported = export(small_model("sigmoid", maps=True), manifest(Semantics.INDEPENDENT), frames, tmp_path)
    answer = Classifier.load(exported.directory).classify(frames[:2])
    assert answer.probabilities.shape == (2, 3)
    assert answer.maps is not None
    assert answer.maps.shape == (2, 4, 6, 3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_frames_will_do(model: Any, frames: NDArray[np.uint8], tmp_path: Path, count: int) -> None:
    """The first labels of a new cartoon."""
    assert export(model, manifest(), frames[:count], tmp_path).differences.frames == max(1, count // 2)


def test_a_form_that_is_too_far_off_is_refused_with_its_figures(
    model: Any, frames: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantised with plain grey, every activation is cut off."""
    monkeypatch.setattr(
        "training.export.quantise", lambda ir, some, recipe: quantise(ir, np.full_like(some, 128), recipe)
    )
    with pytest.raises(ExportError, match=r"plain: by 0\.\d+ on average \(allowed: 0\.015\).*nothing was registered"):
        export(model, manifest(), frames, tmp_path)


def test_a_later_recipe_is_tried_where_the_first_one_fails(
    model: Any, frames: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one here that sees the real frames leaves the first convolution in floating point."""

    def spoiled(ir: Any, some: NDArray[np.uint8], recipe: Any) -> Any:
        return quantise(ir, some if recipe.first_in_float else np.full_like(some, 128), recipe)

    monkeypatch.setattr("training.export.quantise", spoiled)
    assert export(model, manifest(), frames, tmp_path).differences.mean <= 0.015
    assert {kernel.rpartition("_")[2] for kernel in kernels(tmp_path)["Convolution"]} == {"I8", "f32"}


def rows(*values: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


SECONDS = Shown(np.full(200, 1000, dtype=np.int64))
SURE, UNSURE = rows(*[(0.8, 0.1, 0.1)] * 200), rows(*[(0.46, 0.44, 0.1)] * 200)


def changed(reference: NDArray[np.float32], count: int, row: tuple[float, float, float]) -> NDArray[np.float32]:
    answers = reference.copy()
    answers[:count] = row
    return answers


@pytest.mark.parametrize(
    ("served", "reference", "fault"),
    [
        (SURE, SURE, None),
        (SURE + np.float32(0.014), SURE, None),
        (SURE + np.float32(0.016), SURE, "on average"),
        (changed(UNSURE, 2, (0.44, 0.46, 0.1)), UNSURE, None),
        (changed(UNSURE, 3, (0.44, 0.46, 0.1)), UNSURE, "of the duration"),
        (changed(SURE, 1, (0.4, 0.5, 0.1)), SURE, "decided by 0.70"),
        (SURE * np.float32("nan"), SURE, "on average"),
    ],
)
def test_the_bounds_hold_what_they_say(
    served: NDArray[np.float32], reference: NDArray[np.float32], fault: str | None
) -> None:
    """0.015 on average; labels only in doubt, below 0.1; one percent of the duration."""
    faults = differences(served, reference, SECONDS, manifest(), 0.0).faults()
    assert bool(faults) == (fault is not None)
    assert fault is None or fault in " ".join(faults)


def test_accuracy_counts_where_targets_are_known() -> None:
    """Two labels that swap move no seconds, but accuracy."""
    reference = np.concatenate([UNSURE[:100], UNSURE[:100][:, [1, 0, 2]]])
    swapped = np.concatenate([changed(UNSURE[:100], 3, (0.44, 0.46, 0.1)), reference[100:]])
    swapped[100:103] = (0.46, 0.44, 0.1)
    targets = np.eye(3, dtype=np.float32)[reference.argmax(axis=1)]
    found = differences(swapped, reference, replace(SECONDS, targets=targets), manifest(), 0.0)
    assert found.accuracy == pytest.approx(0.03)
    assert found.seconds == 0
    assert found.faults() == ["by 3.0 % in accuracy (allowed: 1.0 %)"]


def test_independent_labels_differ_in_doubt_only() -> None:
    """The distance from the threshold of the label that differs counts, not that of its neighbour."""
    reference = rows(*[(0.9, 0.51, 0.3)] * 200)
    answers = changed(reference, 1, (0.9, 0.49, 0.3))
    near = differences(answers, reference, SECONDS, manifest(Semantics.INDEPENDENT), 0.0)
    assert near.margin == pytest.approx(0.01, abs=1e-5)
    assert near.faults() == []
    far = differences(changed(reference, 1, (0.3, 0.51, 0.3)), reference, SECONDS, manifest(Semantics.INDEPENDENT), 0.0)
    assert far.margin == pytest.approx(0.4, abs=1e-5)
    assert len(far.faults()) == 1
