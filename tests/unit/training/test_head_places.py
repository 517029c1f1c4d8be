"""The head that scores each place: it finds what is small, wherever it is."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Semantics
from training import summaries
from training.head import Examples
from training.head_places import fit

CHANNELS, PLACES = 512, 12


def examples(targets: list[list[int]], copies: int = 15, seed: int = 0) -> Examples:
    """Each label that a frame shows lifts one channel at one place, another place in each frame."""
    generator = np.random.default_rng(seed)
    shown = np.array(targets * copies, dtype=np.float32)
    places = 0.3 * generator.random((len(shown), PLACES, CHANNELS)).astype(np.float32)
    for row, labels in enumerate(shown):
        for label in np.flatnonzero(labels):
            places[row, generator.integers(PLACES), label] += 2
    pooled = np.zeros((len(shown), summaries.POOLED * CHANNELS), dtype=np.float32)
    return Examples.plain(np.concatenate([pooled, places.reshape(len(shown), -1)], axis=1), shown)


def test_exclusive_labels_are_found_at_places_never_seen() -> None:
    """Trained on some places, tested on others."""
    head = fit(examples(np.eye(3, dtype=int).tolist()), Semantics.EXCLUSIVE)
    other = examples(np.eye(3, dtype=int).tolist(), seed=1)
    assert (head.logits(other.vectors).argmax(axis=1) == other.targets.argmax(axis=1)).mean() > 0.95


def test_independent_labels_are_found_together() -> None:
    """Two characters at two places of one frame."""
    combinations = [[0, 0], [0, 1], [1, 0], [1, 1]]
    head = fit(examples(combinations), Semantics.INDEPENDENT)
    other = examples(combinations, seed=1)
    assert ((head.logits(other.vectors) > 0) == (other.targets == 1)).mean() > 0.95


@pytest.mark.parametrize("semantics", Semantics)
def test_missing_classes_do_not_crash_a_fold(semantics: Semantics) -> None:
    """A label that no frame shows is never predicted, one that all frames show always."""
    data = examples([[1, 0]])
    logits = fit(data, semantics).logits(data.vectors)
    assert np.isfinite(logits).all()
    assert (logits[:, 0] > logits[:, 1] + 20).all()


def test_its_maps_light_up_where_the_label_is() -> None:
    """Rows and columns of places, nothing below 0."""
    head = fit(examples(np.eye(3, dtype=int).tolist()), Semantics.EXCLUSIVE)
    other = examples(np.eye(3, dtype=int).tolist(), seed=1)
    maps = head.maps(other.vectors, columns=4)
    assert maps.shape == (len(other.vectors), 3, 4, 3)
    assert maps.min() >= 0
    places = summaries.places(other.vectors)
    rows, labels = np.arange(len(maps)), other.targets.argmax(axis=1)
    lit = maps.reshape(len(maps), PLACES, 3)[rows, :, labels].argmax(axis=1)
    assert (lit == places[rows, :, labels].argmax(axis=1)).mean() > 0.95


@pytest.mark.parametrize("semantics", Semantics)
def test_it_is_fitted_once_for_each_varied_copy(semantics: Semantics) -> None:
    """And answers with the average of what it would answer with each copy alone."""
    data = examples(np.eye(3, dtype=int).tolist())
    views = np.arange(len(data.views)) // 12
    first, second = (Examples(data.vectors[rows], data.targets[rows], views[rows]) for rows in (views != 3, views != 2))
    both = fit(replace(data, views=views), semantics)
    alone = [fit(each, semantics).logits(data.vectors) for each in (first, second)]
    assert both.logits(data.vectors) == pytest.approx(np.mean(alone, axis=0), abs=1e-4)


def test_equal_examples_give_equal_weights() -> None:
    """No random start."""
    data = examples(np.eye(3, dtype=int).tolist())
    assert np.array_equal(fit(data, Semantics.EXCLUSIVE).weights, fit(data, Semantics.EXCLUSIVE).weights)
