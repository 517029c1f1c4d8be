"""Dispersions, and whether intervals hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Manifest
from screen_time.summary import INTERVAL_SHARE, summarise
from tests.answers import EXCLUSIVE, INDEPENDENT, imagined, one_video
from training.intervals import fit_dispersions, interval_coverage, window_rows

EACH = pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])


@EACH
def test_intervals_of_other_videos_hold_the_true_seconds_nine_times_of_ten(manifest: Manifest) -> None:
    """Dispersions from 300 correlated seconds; intervals of 120 others of four minutes, as a result states them."""
    learned = imagined(manifest, 300, seed=1)
    served = replace(manifest, dispersions=fit_dispersions(learned, manifest, one_video(learned)))
    held = []
    for seed in range(100, 220):
        answers = imagined(manifest, 240, seed=seed)
        summary = summarise(answers.durations_ms.tolist(), answers.probabilities, served)
        true = dict(zip(manifest.labels, (answers.targets.sum(axis=0) * 1000).tolist(), strict=True))
        for name, found in summary.characters.items():
            assert found.interval_ms is not None
            held.append(found.interval_ms[0] <= true[name] <= found.interval_ms[1])
    assert INTERVAL_SHARE - 0.06 < np.mean(held) < 0.995


@EACH
def test_neighbours_that_err_alike_widen_intervals(manifest: Manifest) -> None:
    """Independent frames give dispersions near 1, correlated ones larger."""
    alone, alike = (imagined(manifest, 2000, memory=memory) for memory in (0.0, 0.9))
    smallest = min(fit_dispersions(alike, manifest, one_video(alike)))
    largest = max(fit_dispersions(alone, manifest, one_video(alone)))
    assert largest < 2.2
    assert smallest > 2.5


@EACH
def test_an_overconfident_model_s_intervals_are_as_wide_as_its_errors_are_large(manifest: Manifest) -> None:
    """Where probabilities are wrong too, dispersions account for it."""
    right, exaggerated = (imagined(manifest, 1000, memory=0.5, scale=scale) for scale in (1.0, 4.0))
    assert min(fit_dispersions(exaggerated, manifest, one_video(exaggerated))) > max(
        fit_dispersions(right, manifest, one_video(right))
    )


@EACH
def test_coverage_is_measured_on_other_stretches_than_the_dispersions(manifest: Manifest) -> None:
    """Near 90 % for a calibrated model."""
    answers = imagined(manifest, 1500, seed=2)
    coverage = interval_coverage(answers, manifest, one_video(answers))
    assert coverage is not None
    assert 0.8 < coverage <= 1


def test_too_few_windows_give_no_dispersion() -> None:
    """A quarter of a minute says nothing about minutes: a model without intervals is the result."""
    answers = imagined(EXCLUSIVE, 15)
    assert fit_dispersions(answers, EXCLUSIVE, one_video(answers)) == ()
    assert interval_coverage(answers, EXCLUSIVE, one_video(answers)) is None


def test_every_label_has_one_and_nobody_of_independent_ones_too() -> None:
    """As the manifest wants them."""
    assert len(fit_dispersions(imagined(EXCLUSIVE, 100), EXCLUSIVE, np.zeros(100, dtype=np.int64))) == 3
    assert len(fit_dispersions(imagined(INDEPENDENT, 100), INDEPENDENT, np.zeros(100, dtype=np.int64))) == 3


def test_windows_are_consecutive_and_never_of_two_videos() -> None:
    """In the order of the dataset, whatever the order of the answers; what is left over is left out."""
    answers = imagined(EXCLUSIVE, 20).chosen(np.arange(20)[::-1])
    videos = (answers.indices >= 10).astype(np.int64)
    found = [answers.indices[rows].tolist() for rows in window_rows(answers, videos, 4000)]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [10, 11, 12, 13], [14, 15, 16, 17]]
