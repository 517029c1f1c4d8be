"""Scores, checked by hand on a few frames."""

import numpy as np
import pytest

from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from training.evaluation import Answers, draft_manifest, mistakes, score
from training.labels import LabelScheme

SPEC = InputSpec(224, 224, Fit.SQUEEZE)


def manifest(semantics: Semantics) -> Manifest:
    """Neither, jerry and tom; or jerry and tom."""
    if semantics is Semantics.EXCLUSIVE:
        return draft_manifest(LabelScheme(("neither", "jerry", "tom"), semantics, "neither"), SPEC, "pooled")
    return draft_manifest(LabelScheme(("jerry", "tom"), semantics, None), SPEC, "pooled")


def answers(probabilities: list[list[float]], targets: list[list[float]], durations: list[int]) -> Answers:
    """Answers to frames 10, 11, …"""
    return Answers(
        np.arange(10, 10 + len(targets)),
        np.array(probabilities, dtype=np.float32),
        np.array(targets, dtype=np.float32),
        np.array(durations, dtype=np.int64),
    )


EXCLUSIVE = answers(
    [[0.8, 0.1, 0.1], [0.1, 0.6, 0.3], [0.1, 0.7, 0.2], [0.3, 0.3, 0.4]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]],
    [1000, 1000, 1000, 500],
)


def test_accuracy_and_per_label_scores() -> None:
    """Three of four right; one tom was taken for jerry."""
    scores = score(EXCLUSIVE, manifest(Semantics.EXCLUSIVE))
    assert scores.accuracy == 0.75
    assert scores.labels["jerry"].precision == 0.5
    assert scores.labels["jerry"].recall == 1
    assert scores.labels["tom"].recall == 0.5
    assert scores.labels["tom"].support == 2
    assert scores.macro_f1 == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert scores.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_seconds_are_sums_of_durations() -> None:
    """The last frame stands for half a second."""
    scores = score(EXCLUSIVE, manifest(Semantics.EXCLUSIVE))
    assert scores.seconds_predicted == {"neither": 1.0, "jerry": 2.0, "tom": 0.5}
    assert scores.seconds_true == {"neither": 1.0, "jerry": 1.0, "tom": 1.5}
    assert scores.duration_seconds == 3.5
    assert scores.seconds_error("jerry") == pytest.approx(100 * 1 / 3.5)


def test_independent_labels_are_right_only_in_whole() -> None:
    """Both characters at once; a frame of which one label is wrong is no right answer."""
    scores = score(
        answers([[0.9, 0.8], [0.2, 0.9], [0.1, 0.4]], [[1, 1], [1, 1], [0, 0]], [1000] * 3),
        manifest(Semantics.INDEPENDENT),
    )
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.labels["jerry"].recall == 0.5
    assert scores.labels["tom"].f1 == 1
    assert scores.seconds_predicted == {"jerry": 1.0, "tom": 2.0}
    assert scores.confusion.tolist() == [[[1, 0], [1, 1]], [[1, 0], [0, 2]]]


def test_a_label_never_predicted_scores_0_and_warns_nobody() -> None:
    """A silent division by zero would be worse."""
    scores = score(answers([[1, 0, 0]] * 2, [[1, 0, 0], [0, 1, 0]], [1000] * 2), manifest(Semantics.EXCLUSIVE))
    assert scores.labels["jerry"].f1 == 0
    assert scores.labels["tom"].support == 0


def test_the_worst_mistakes_come_first_and_right_answers_not_at_all() -> None:
    """Frame 2 was 80 % sure of the wrong one, frame 0 a little."""
    wrong = answers([[0.4, 0.6, 0], [1, 0, 0], [0.1, 0.1, 0.8]], [[1, 0, 0]] * 3, [1000] * 3)
    assert mistakes(wrong, manifest(Semantics.EXCLUSIVE)).tolist() == [2, 0]


def test_answers_of_folds_are_joined_in_order() -> None:
    """Out-of-fold scores are over all folds at once."""
    joined = Answers.joined([EXCLUSIVE, EXCLUSIVE])
    assert joined.indices.tolist() == [10, 11, 12, 13] * 2
    assert score(joined, manifest(Semantics.EXCLUSIVE)).accuracy == 0.75
