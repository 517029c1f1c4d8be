"""Thresholds: unbiased seconds, for no more right frames than that is worth."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Manifest
from screen_time.summary import presence
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined, in_folds
from training.evaluation import Answers, score
from training.thresholds import choose_thresholds, fit_thresholds, is_better, plain_thresholds

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
    thresholds, present = choose_thresholds(answers, manifest, in_folds(answers))
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
def test_where_there_is_no_bias_the_most_probable_answer_counts(manifest: Manifest) -> None:
    """Thresholds that help nothing out of fold are not kept: nothing differs from the plain decisions by much."""
    answers = imagined(manifest, 300, seed=3)
    thresholds, present = choose_thresholds(answers, manifest, in_folds(answers))
    plain = replace(manifest, thresholds=plain_thresholds(manifest))
    scores = score(answers, manifest, present)
    noise = np.sqrt(scores.accuracy * (1 - scores.accuracy) / (len(answers.indices) / 5))
    assert scores.accuracy > score(answers, plain).accuracy - noise
    if thresholds == plain.thresholds:
        assert np.array_equal(present, presence(answers.probabilities, plain))


@EACH
def test_with_a_single_fold_thresholds_are_plain(manifest: Manifest) -> None:
    """Nothing could show that others are better."""
    answers = missing_jerry(manifest, 100)
    thresholds, present = choose_thresholds(answers, manifest, np.zeros(100, dtype=np.int64))
    assert thresholds == plain_thresholds(manifest)
    assert np.array_equal(present, presence(answers.probabilities, replace(manifest, thresholds=thresholds)))


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


@pytest.mark.parametrize(("exchanged", "worth_it"), [(2, True), (3, True), (4, False)])
def test_right_frames_are_given_up_only_for_twice_as_many_fairer_seconds(exchanged: int, worth_it: bool) -> None:
    """Jerry is missed in four of ten seconds; then none too few are counted, so many of them in wrong frames."""
    shown = np.zeros((20, 2), dtype=np.bool_)
    shown[:10, 0] = True
    missed, balanced = shown.copy(), shown.copy()
    missed[6:10, 0] = False
    balanced[10 - exchanged : 10, 0], balanced[10 : 10 + exchanged, 0] = False, True
    targets = shown.astype(np.float32)
    answers = Answers(np.arange(20), targets, targets, np.full(20, 1000, dtype=np.int64))
    assert is_better(answers, missed, balanced) is worth_it
