"""Thresholds: unbiased seconds, for no more right frames than that is worth."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Manifest
from screen_time.summary import presence
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined, in_folds
from training.evaluation import Answers, score
from training.thresholds import counted_out_of_fold, fit_thresholds, plain_thresholds

EACH = pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])


def missing_jerry(manifest: Manifest, frames: int) -> Answers:
    """Answers of a model that underrates Jerry."""
    offsets = [-1.5 if label == "jerry" else 0.0 for label in manifest.labels]
    return imagined(manifest, frames, offsets=offsets, memory=0.5)


@EACH
def test_seconds_become_unbiased_on_frames_that_were_not_learned_from(manifest: Manifest) -> None:
    """Jerry's are far too few with plain thresholds."""
    answers = missing_jerry(manifest, 1200)
    plain = replace(manifest, thresholds=plain_thresholds(manifest))
    thresholds = fit_thresholds(answers, manifest)
    present = counted_out_of_fold(answers, manifest, in_folds(answers))
    assert score(answers, plain).seconds_error("jerry") < -10
    assert abs(score(answers, manifest, present).seconds_error("jerry")) < 4
    served = score(answers, replace(manifest, thresholds=thresholds))
    assert abs(served.seconds_error("jerry")) < 4
    assert served.accuracy > score(answers, plain).accuracy


@EACH
def test_a_few_frames_hardly_move_a_threshold(manifest: Manifest) -> None:
    """Twelve frames say next to nothing about a bias; a thousand of the same kind do."""
    plain = np.log(0.5) if manifest is INDEPENDENT else 0.0
    jerry = manifest.labels.index("jerry")
    few, many = (
        abs(np.log(fit_thresholds(missing_jerry(manifest, frames), manifest)[jerry]) - plain) for frames in (12, 1200)
    )
    assert few < 0.6
    assert many > 2 * few or many > 0.8


@EACH
def test_half_the_strength_goes_half_of_the_way(manifest: Manifest) -> None:
    """Without any, the most probable answer counts."""
    answers = missing_jerry(manifest, 1200)
    jerry = manifest.labels.index("jerry")
    odds = [
        np.log(each / (1 - each)) if manifest is INDEPENDENT else np.log(each)
        for each in (fit_thresholds(answers, manifest, strength)[jerry] for strength in (0.5, 1.0))
    ]
    assert odds[0] == pytest.approx(odds[1] / 2, abs=1e-3)
    assert fit_thresholds(answers, manifest, 0.0) == plain_thresholds(manifest)


@EACH
def test_with_a_single_fold_plain_thresholds_count(manifest: Manifest) -> None:
    """Nothing could show that others are better."""
    answers = missing_jerry(manifest, 100)
    plain = replace(manifest, thresholds=plain_thresholds(manifest))
    present = counted_out_of_fold(answers, manifest, np.zeros(100, dtype=np.int64))
    assert np.array_equal(present, presence(answers.probabilities, plain))


def test_seconds_are_of_durations_not_of_frames() -> None:
    """One frame that stands for ten seconds weighs as much as ten that stand for one."""
    shown = np.array([1] * 1 + [0] * 60, dtype=np.float32)[:, None].repeat(2, axis=1)
    answers = Answers(
        np.arange(61),
        np.linspace(0.6, 0.0, 61, dtype=np.float32)[:, None].repeat(2, axis=1),
        shown,
        np.array([10_000] + [1000] * 60, dtype=np.int64),
    )
    manifest = replace(INDEPENDENT, thresholds=fit_thresholds(answers, INDEPENDENT))
    assert score(answers, manifest).seconds_predicted["jerry"] >= 10.0
