"""The head that scores each place: it finds what is small, wherever it is."""

from dataclasses import replace

import numpy as np
import pytest

from screen_time.manifest import Semantics
from training import summaries
from training.head import VARIED, Examples, Rows
from training.head_places import PlacesHead, fit
from training.places_loss import PlacesLosses

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


def learned(data: Examples, semantics: Semantics) -> PlacesHead:
    """From all of them."""
    (head,) = fit(data, [np.arange(len(data.views))], semantics)
    return head


def test_exclusive_labels_are_found_at_places_never_seen() -> None:
    """Trained on some places, tested on others."""
    head = learned(examples(np.eye(3, dtype=int).tolist()), Semantics.EXCLUSIVE)
    other = examples(np.eye(3, dtype=int).tolist(), seed=1)
    assert (head.logits(other.vectors).argmax(axis=1) == other.targets.argmax(axis=1)).mean() > 0.95


def test_independent_labels_are_found_together() -> None:
    """Two characters at two places of one frame."""
    combinations = [[0, 0], [0, 1], [1, 0], [1, 1]]
    head = learned(examples(combinations), Semantics.INDEPENDENT)
    other = examples(combinations, seed=1)
    assert ((head.logits(other.vectors) > 0) == (other.targets == 1)).mean() > 0.95


@pytest.mark.parametrize("semantics", Semantics)
def test_missing_classes_do_not_crash_a_fold(semantics: Semantics) -> None:
    """A label that no frame shows is never predicted, one that all frames show always."""
    data = examples([[1, 0]])
    logits = learned(data, semantics).logits(data.vectors)
    assert np.isfinite(logits).all()
    assert (logits[:, 0] > logits[:, 1] + 20).all()


def test_its_maps_light_up_where_the_label_is() -> None:
    """Rows and columns of places, nothing below 0."""
    head = learned(examples(np.eye(3, dtype=int).tolist()), Semantics.EXCLUSIVE)
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
    both = learned(replace(data, views=views), semantics)
    alone = [learned(each, semantics).logits(data.vectors) for each in (first, second)]
    assert both.logits(data.vectors) == pytest.approx(np.mean(alone, axis=0), abs=1e-4)


def test_equal_examples_give_equal_weights() -> None:
    """No random start."""
    data = examples(np.eye(3, dtype=int).tolist())
    first, again = (learned(data, Semantics.EXCLUSIVE) for _ in range(2))
    assert np.array_equal(first.weights, again.weights)


@pytest.mark.parametrize("semantics", Semantics)
def test_fits_at_once_are_those_of_each_subset_alone(semantics: Semantics) -> None:
    """Other frames, fewer of them, one class less: none of them changes another's."""
    data = examples(np.eye(3, dtype=int).tolist())
    data = replace(data, views=np.arange(len(data.views)) // 12)
    rows = np.arange(len(data.views))
    subsets: list[Rows] = [rows, rows[::2], rows[data.targets[:, 1] == 0], rows[data.targets[:, 2] == 1]]
    assert data.views.max() == VARIED + 1
    for head, subset in zip(fit(data, subsets, semantics), subsets, strict=True):
        (alone,) = fit(data, [subset], semantics)
        assert head.logits(data.vectors) == pytest.approx(alone.logits(data.vectors), abs=1e-2)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_its_gradient_is_how_its_loss_changes(columns: int) -> None:
    """Along random directions, for a fit on some of the frames as for one on all."""
    generator = np.random.default_rng(columns)
    shown = np.eye(columns, dtype=np.float32)[np.arange(30) % columns]
    places = generator.random((30, PLACES, 8)).astype(np.float32)
    losses = PlacesLosses(places, np.stack([shown, shown], axis=1), np.stack([shown[:, 0] >= 0, np.arange(30) < 20]), 3)
    points = generator.normal(size=(2, losses.parameters))
    direction = generator.normal(size=points.shape)
    both = np.arange(2)
    ahead, behind = (losses.evaluate(both, points + step * direction)[0] for step in (1e-2, -1e-2))
    told = (losses.evaluate(both, points)[1] * direction).sum(axis=1)
    assert (ahead - behind) / 2e-2 == pytest.approx(told, rel=1e-2, abs=1e-2)
