"""Confidence intervals by drawing groups."""

import numpy as np
import pytest

from screen_time.manifest import Manifest
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined
from training.bootstrap import bootstrap_intervals
from training.evaluation import score


@pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])
def test_the_figures_lie_within_their_intervals(manifest: Manifest) -> None:
    """Under the same names as the figures have."""
    answers = imagined(manifest, 300)
    figures = score(answers, manifest).metrics()
    intervals = bootstrap_intervals(answers, manifest, [f"block {index // 16}" for index in answers.indices])
    assert {"accuracy", "macro_f1", "jerry_seconds_error_percent", "tom_seconds_error_percent"} <= set(intervals)
    for name, (low, high) in intervals.items():
        assert low < figures[name] < high


def test_groups_of_alike_frames_widen_an_interval() -> None:
    """Ten copies of each frame are no more evidence than one; taken for independent they would seem so."""
    answers = imagined(EXCLUSIVE, 50, memory=0.0).chosen(np.arange(50).repeat(10))
    widths = [
        high - low
        for names in (range(500), np.arange(50).repeat(10))
        for low, high in [bootstrap_intervals(answers, EXCLUSIVE, list(map(str, names)))["accuracy"]]
    ]
    assert widths[1] > 2 * widths[0]


def test_the_interval_of_a_share_is_about_as_wide_as_theory_says() -> None:
    """Two standard errors to each side for independent frames."""
    answers = imagined(EXCLUSIVE, 400, memory=0.0)
    accuracy = score(answers, EXCLUSIVE).accuracy
    low, high = bootstrap_intervals(answers, EXCLUSIVE, list(map(str, range(400))))["accuracy"]
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400), rel=0.15)


def test_the_same_seed_gives_the_same_interval_and_one_group_none() -> None:
    """One group tells nothing about others."""
    answers = imagined(EXCLUSIVE, 60)
    groups = [str(index // 10) for index in answers.indices]
    assert bootstrap_intervals(answers, EXCLUSIVE, groups) == bootstrap_intervals(answers, EXCLUSIVE, groups)
    assert bootstrap_intervals(answers, EXCLUSIVE, ["one"] * 60) == {}
