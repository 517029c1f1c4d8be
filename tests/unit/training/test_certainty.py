"""All of it together, as training asks for it."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Manifest
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined, in_folds, one_video
from training.calibration import Calibration
from training.certainty import FAIR_SHARE, fit_certainty
from training.evaluation import score
from training.thresholds import plain_thresholds

EACH = pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])


@EACH
def test_what_is_fitted_can_be_served_and_is_scored_out_of_fold(manifest: Manifest) -> None:
    """A manifest that reads back, and figures better than the raw ones'."""
    offsets = [-1.0 if label == "jerry" else 0.0 for label in manifest.labels]
    answers = imagined(manifest, 400, scale=3.0, offsets=offsets, memory=0.6)
    found = fit_certainty(answers, manifest, in_folds(answers), one_video(answers))
    assert Manifest.from_json(found.manifest.to_json()) == found.manifest
    assert len(found.dispersions) == 3
    metrics = found.metrics()
    assert metrics["ece"] < metrics["uncalibrated_ece"]
    assert metrics["brier"] < metrics["uncalibrated_brier"]
    assert 0.7 < metrics["interval_coverage"] <= 1
    before, after = (
        score(each, manifest, present) for each, present in ((answers, None), (found.answers, found.present))
    )
    assert abs(after.seconds_error("jerry")) < abs(before.seconds_error("jerry"))
    assert {"dispersion_jerry", "calibration_offset_tom"} <= set(found.parameters())


@pytest.mark.parametrize(("manifest", "seed"), [(EXCLUSIVE, 2), (INDEPENDENT, 5)], ids=["exclusive", "independent"])
def test_where_seconds_are_fair_already_no_right_frame_is_given_up(manifest: Manifest, seed: int) -> None:
    """They stay fair."""
    answers = imagined(manifest, 600, seed=seed)
    found = fit_certainty(answers, manifest, in_folds(answers), one_video(answers))
    before = score(answers, replace(manifest, thresholds=plain_thresholds(manifest)))
    after = score(found.answers, manifest, found.present)
    assert max(abs(before.seconds_error(label)) for label in manifest.labels) < 100 * FAIR_SHARE
    assert max(abs(after.seconds_error(label)) for label in manifest.labels) <= 100 * FAIR_SHARE
    assert after.accuracy >= before.accuracy


@EACH
def test_unfair_seconds_become_fair_on_frames_that_were_not_learned_from(manifest: Manifest) -> None:
    """Whatever it takes: the time on screen is what is asked for."""
    offsets = [-1.5 if label == "jerry" else 0.0 for label in manifest.labels]
    answers = imagined(manifest, 1200, offsets=offsets, memory=0.5)
    found = fit_certainty(answers, manifest, in_folds(answers), one_video(answers))
    after = score(found.answers, manifest, found.present)
    assert max(abs(after.seconds_error(label)) for label in manifest.labels) <= 100 * FAIR_SHARE


@EACH
def test_a_single_fold_changes_nothing(manifest: Manifest) -> None:
    """A head that is too dear to be fitted for every group is served as it is."""
    answers = imagined(manifest, 100)
    found = fit_certainty(answers, manifest, np.zeros(100, dtype=np.int64), one_video(answers))
    assert found.calibration == Calibration.identity(manifest)
    assert found.thresholds == plain_thresholds(manifest)
    assert found.dispersions == ()
    assert found.answers is answers


@EACH
def test_the_same_answers_give_the_same_parameters(manifest: Manifest) -> None:
    """To the bit."""
    answers = imagined(manifest, 150)
    one, other = (fit_certainty(answers, manifest, in_folds(answers), one_video(answers)) for _ in range(2))
    assert one.calibration == other.calibration
    assert one.manifest == other.manifest


@EACH
@pytest.mark.parametrize("frames", [8, 60])
def test_a_class_that_only_one_fold_shows_is_no_obstacle(manifest: Manifest, frames: int) -> None:
    """The other folds say nothing of it: its thresholds stay near the plain ones, and every figure is a number."""
    answers = imagined(manifest, frames)
    targets = answers.targets.copy()
    targets[:, 1] = np.arange(frames) < 2
    if manifest is EXCLUSIVE:
        targets[:, 0] = 1 - targets[:, 1]
        targets[:, 2] = 0
    rare = replace(answers, targets=targets)
    found = fit_certainty(rare, manifest, np.arange(frames) // 4, one_video(rare))
    assert np.isfinite(list(found.metrics().values())).all()
    assert np.isfinite(list(found.parameters().values())).all()
    assert np.isfinite(found.answers.probabilities).all()
    assert Manifest.from_json(found.manifest.to_json()) == found.manifest
