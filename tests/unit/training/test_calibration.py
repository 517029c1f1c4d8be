"""Calibration: what it mends, and what it must not do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from screen_time.inference_engine import inference_engine
from screen_time.manifest import Manifest
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined, in_folds
from training.calibration import Calibration, crossfitted, fit_calibration
from training.evaluation import Answers
from training.probability_scores import probability_scores

EACH = pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])


@EACH
def test_overconfident_answers_become_honest_on_frames_that_were_not_learned_from(manifest: Manifest) -> None:
    """Logits twice and a half as large as they should be: expected calibration error and Brier score fall."""
    answers = imagined(manifest, 1500, scale=2.5, memory=0.5)
    before = probability_scores(answers, manifest)
    after = probability_scores(crossfitted(answers, manifest, in_folds(answers)), manifest)
    assert before.ece > 0.08
    assert after.ece < 0.05
    assert after.brier < before.brier - 0.01


@EACH
def test_the_true_parameters_are_found(manifest: Manifest) -> None:
    """Given enough frames: the scale that undoes the exaggeration, and the offset of a label that is missed."""
    offsets = (-1.0, *(0.0,) * (len(manifest.labels) - 1))
    found = fit_calibration(imagined(manifest, 3000, scale=2.0, offsets=offsets, memory=0.0), manifest)
    assert found.scales == pytest.approx((0.5,) * len(manifest.labels), rel=0.15)
    assert found.offsets[0] - found.offsets[1] == pytest.approx(0.5, abs=0.12)


@EACH
def test_a_few_frames_without_a_mistake_do_not_make_it_certain(manifest: Manifest) -> None:
    """50 frames, each answered rightly with 80 %: more confidence is due, but no certainty."""
    targets = np.eye(len(manifest.labels), dtype=np.float32)[np.arange(50) % len(manifest.labels)]
    wrong = 0.2 / (len(manifest.labels) - 1)
    answers = Answers(
        np.arange(50),
        np.where(targets == 1, np.float32(0.8), np.float32(wrong)),
        targets,
        np.full(50, 1000, dtype=np.int64),
    )
    calibrated = fit_calibration(answers, manifest).apply(answers.probabilities)
    right = calibrated[targets == 1]
    assert right.min() > 0.8
    assert right.max() < 0.97


@EACH
def test_identity_changes_nothing(manifest: Manifest) -> None:
    """But for rounding."""
    probabilities = imagined(manifest, 50).probabilities
    assert Calibration.identity(manifest).apply(probabilities) == pytest.approx(probabilities, abs=1e-5)


@EACH
def test_a_frame_s_own_labels_do_not_calibrate_it(manifest: Manifest) -> None:
    """Other labels for the frames of one fold leave that fold's probabilities as they are, and change the others'."""
    answers = imagined(manifest, 200)
    folds = in_folds(answers)
    here = folds == 2
    other = replace(answers, targets=np.where(here[:, None], np.roll(answers.targets, 1, axis=1), answers.targets))
    before, after = (crossfitted(each, manifest, folds).probabilities for each in (answers, other))
    assert np.array_equal(before[here], after[here])
    assert not np.allclose(before[~here], after[~here])


def test_one_fold_calibrates_nothing() -> None:
    """There is nothing to learn from that is not tested too."""
    answers = imagined(EXCLUSIVE, 50)
    assert crossfitted(answers, EXCLUSIVE, np.zeros(50, dtype=np.int64)).probabilities is not answers.probabilities
    assert np.array_equal(
        crossfitted(answers, EXCLUSIVE, np.zeros(50, dtype=np.int64)).probabilities, answers.probabilities
    )


@EACH
def test_a_calibration_folds_into_a_head_s_last_layer(manifest: Manifest) -> None:
    """The logits that it scales are the layer's own; softmax forgets the constant between them."""
    calibration = fit_calibration(imagined(manifest, 300, scale=2.0), manifest)
    random = np.random.default_rng(0)
    rows, kernel = random.normal(size=(20, 7)), random.normal(size=(7, len(manifest.labels))).astype(np.float32)
    bias = random.normal(size=len(manifest.labels)).astype(np.float32)
    activation = (lambda logits: softmax(logits, axis=1)) if manifest is EXCLUSIVE else expit
    folded_kernel, folded_bias = calibration.folded(kernel, bias)
    plain = activation(rows @ kernel + bias).astype(np.float32)
    assert activation(rows @ folded_kernel + folded_bias) == pytest.approx(calibration.apply(plain), abs=1e-5)


def test_a_model_with_calibrations_is_saved_and_converted(tmp_path: Path) -> None:
    """Attached to a Keras model's outputs, which loads from its file, and as OpenVINO answers, as `apply` does."""
    import keras

    calibrations = [fit_calibration(imagined(each, 300, scale=2.0), each) for each in (EXCLUSIVE, INDEPENDENT)]
    inputs = keras.Input((5,))
    attached = [calibrations[0].attach(inputs[:, :3]), calibrations[1].attach(inputs[:, 3:])]
    model = keras.Model(inputs, attached)
    rows = np.hstack([imagined(each, 20).probabilities for each in (EXCLUSIVE, INDEPENDENT)])
    expected = [calibrations[0].apply(rows[:, :3]), calibrations[1].apply(rows[:, 3:])]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    model.export(tmp_path / "saved", verbose=False)
    compiled = inference_engine().compile_model(tmp_path / "saved", "CPU")
    converted = compiled(rows)
    for index, answers in enumerate(loaded(rows)):
        assert np.asarray(answers) == pytest.approx(expected[index], abs=1e-5)
        assert converted[index] == pytest.approx(expected[index], abs=1e-3)


def test_parameters_are_logged_by_label() -> None:
    """One scale for exclusive labels, one each for independent ones."""
    calibration = Calibration(INDEPENDENT.semantics, (0.5, 1.0), (0.25, -0.25))
    assert calibration.parameters(INDEPENDENT.labels) == {
        "calibration_scale_jerry": 0.5,
        "calibration_scale_tom": 1.0,
        "calibration_offset_jerry": 0.25,
        "calibration_offset_tom": -0.25,
    }
    assert "calibration_scale" in Calibration.identity(EXCLUSIVE).parameters(EXCLUSIVE.labels)
