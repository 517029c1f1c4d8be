"""Scores of probabilities, checked by hand."""

import numpy as np
import pytest

from tests.answers import EXCLUSIVE, INDEPENDENT, imagined
from training.evaluation import Answers
from training.figures import reliability_figure
from training.probability_scores import probability_scores, reliability


def answers(probabilities: list[list[float]], targets: list[list[float]]) -> Answers:
    """One second each."""
    rows = len(targets)
    return Answers(
        np.arange(rows),
        np.array(probabilities, dtype=np.float32),
        np.array(targets, dtype=np.float32),
        np.full(rows, 1000, dtype=np.int64),
    )


def test_exclusive_scores_by_hand() -> None:
    """Two answers of 0.7, one of them right; one of 1.0, right."""
    found = answers([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0, 0, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    scores = probability_scores(found, EXCLUSIVE)
    assert scores.brier == pytest.approx(((0.09 + 0.04 + 0.01) + (0.49 + 0.64 + 0.01) + 0) / 3)
    assert scores.ece == pytest.approx(2 / 3 * 0.2)
    assert scores.average_precision == {}
    bins = reliability(found, EXCLUSIVE)["most probable label"]
    assert [(each.count, each.frequency) for each in bins] == [(2, 0.5), (1, 1.0)]
    assert set(scores.metrics()) == {"brier", "ece", "ece_by_chance"}


def test_independent_scores_by_hand() -> None:
    """Jerry is ranked perfectly, Tom is not, and each is calibrated for itself."""
    found = answers([[0.9, 0.6], [0.8, 0.6], [0.1, 0.7]], [[1, 0], [1, 1], [0, 0]])
    scores = probability_scores(found, INDEPENDENT)
    assert scores.average_precision["jerry"] == 1
    assert scores.average_precision["tom"] == pytest.approx(1 / 3)
    assert scores.brier == pytest.approx(((0.01 + 0.36) + (0.04 + 0.16) + (0.01 + 0.49)) / 6)
    jerry, tom = (0.1 + 0.2 + 0.1) / 3, (0.7 + 2 * 0.1) / 3
    assert scores.ece == pytest.approx((jerry + tom) / 2)
    assert scores.metrics()["jerry_average_precision"] == 1


def test_a_label_that_no_frame_shows_has_no_average_precision() -> None:
    """Rather than a 0 that nobody earned."""
    scores = probability_scores(answers([[0.9, 0.1]], [[1, 0]]), INDEPENDENT)
    assert scores.average_precision["tom"] is None
    assert "tom_average_precision" not in scores.metrics()


def test_chance_alone_makes_an_error_that_shrinks_with_the_frames() -> None:
    """Of 300 frames' error half may be chance; a model that exaggerates is far above it."""
    few, many = (probability_scores(imagined(INDEPENDENT, frames, memory=0.0), INDEPENDENT) for frames in (300, 6000))
    assert many.ece_by_chance < few.ece_by_chance / 3
    assert few.ece == pytest.approx(few.ece_by_chance, abs=0.02)
    exaggerated = probability_scores(imagined(INDEPENDENT, 6000, memory=0.0, scale=3.0), INDEPENDENT)
    assert exaggerated.ece > 5 * exaggerated.ece_by_chance


def test_the_diagram_has_a_curve_for_each_label_and_the_figure_in_its_title() -> None:
    """What is logged to MLflow."""
    figure = reliability_figure(imagined(INDEPENDENT, 200), INDEPENDENT)
    axes = figure.axes[0]
    assert {"jerry", "tom"} <= {str(line.get_label()) for line in axes.get_lines()}
    assert "expected calibration error" in axes.get_title()
