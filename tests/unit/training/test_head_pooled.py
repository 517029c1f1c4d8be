"""The default head: what it learns, and the corners of missing classes."""

import numpy as np
import pytest

from screen_time.manifest import Semantics
from training.head import Examples
from training.head_pooled import embed, fit


def examples(labels: list[list[float]], copies: int = 20, seed: int = 0) -> Examples:
    """Vectors of 8 averages and 8 maxima in which label i lifts channel i of both, with some noise."""
    generator = np.random.default_rng(seed)
    targets = np.array(labels * copies, dtype=np.float32)
    half = generator.random((len(targets), 8)).astype(np.float32)
    half[:, : targets.shape[1]] += 2 * targets
    return Examples(np.concatenate([half, 3 * half], axis=1), targets)


def test_maps_become_roots_of_averages_and_maxima() -> None:
    """By hand: channel 1 is 4 at one of two places."""
    maps = np.zeros((1, 1, 2, 3), dtype=np.float16)
    maps[0, 0, 0, 1] = 4
    assert embed(maps).tolist() == [[0, np.float32(2**0.5), 0, 0, 2, 0]]


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_exclusive_labels_are_told_apart(classes: int) -> None:
    """Two classes too, for which scikit-learn keeps only one row of weights."""
    data = examples(np.eye(classes).tolist())
    probabilities = fit(data, None, Semantics.EXCLUSIVE, 0).probabilities(data.vectors)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities.argmax(axis=1) == data.targets.argmax(axis=1)).mean() == 1


def test_independent_labels_are_answered_each_by_itself() -> None:
    """Both, one, none."""
    data = examples([[0, 0], [0, 1], [1, 0], [1, 1]])
    probabilities = fit(data, None, Semantics.INDEPENDENT, 0).probabilities(data.vectors)
    assert ((probabilities > 0.5) == (data.targets == 1)).all()


def test_a_class_missing_from_a_fold_is_never_predicted() -> None:
    """And does not crash the fold."""
    data = examples([[1, 0, 0], [0, 0, 1]])
    probabilities = fit(data, None, Semantics.EXCLUSIVE, 0).probabilities(data.vectors)
    assert (probabilities.argmax(axis=1) == data.targets.argmax(axis=1)).all()
    assert probabilities[:, 1].max() < 1e-6


@pytest.mark.parametrize("semantics", Semantics)
def test_a_fold_with_one_class_only_predicts_it(semantics: Semantics) -> None:
    """Nothing can be learned, and the answer is still a probability."""
    data = examples([[1, 0]])
    probabilities = fit(data, None, semantics, 0).probabilities(data.vectors)
    assert probabilities[:, 0].min() > 0.999
    assert probabilities[:, 1].max() < 0.001


def test_rare_classes_weigh_as_much_as_frequent_ones() -> None:
    """Balanced: on overlapping classes, a class with a tenth of the frames is not drowned."""
    generator = np.random.default_rng(0)
    targets = np.eye(2, dtype=np.float32)[np.array([0] * 300 + [1] * 30)]
    vectors = generator.normal(targets[:, 1:], 1.0, (330, 2)).astype(np.float32)
    predicted = fit(Examples(vectors, targets), None, Semantics.EXCLUSIVE, 0).probabilities(vectors).argmax(axis=1)
    assert predicted[300:].mean() > 0.6


def test_the_seed_changes_nothing() -> None:
    """Convex and fitted to convergence."""
    data = examples(np.eye(3).tolist())
    first, other = (fit(data, None, Semantics.EXCLUSIVE, seed) for seed in (0, 1))
    assert np.array_equal(first.weights, other.weights)
