"""The linear head on pooled features: what it learns, and the corners of missing classes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax

from screen_time.manifest import Semantics
from training.head import Examples
from training.head_pooled import PooledHead, fit

CHANNELS = 512


def examples(labels: list[list[float]], copies: int = 20, seed: int = 0) -> Examples:
    """Vectors in which label i lifts channel i of every summary, with some noise, at one place."""
    generator = np.random.default_rng(seed)
    targets = np.array(labels * copies, dtype=np.float32)
    half = generator.random((len(targets), CHANNELS)).astype(np.float32)
    half[:, : targets.shape[1]] += 2 * targets
    return Examples.plain(np.concatenate([3 * half, 2 * half, half], axis=1), targets)


def learned(data: Examples, semantics: Semantics) -> PooledHead:
    """From all of them."""
    (head,) = fit(data, [np.arange(len(data.views))], semantics)
    return head


def exclusive(data: Examples) -> NDArray[np.float32]:
    logits = learned(data, Semantics.EXCLUSIVE).logits(data.vectors)
    return np.asarray(softmax(logits, axis=1), dtype=np.float32)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_exclusive_labels_are_told_apart(classes: int) -> None:
    """Two classes too, for which scikit-learn keeps only one row of weights."""
    data = examples(np.eye(classes).tolist())
    assert (exclusive(data).argmax(axis=1) == data.targets.argmax(axis=1)).mean() == 1


def test_independent_labels_are_answered_each_by_itself() -> None:
    """Both, one, none."""
    data = examples([[0, 0], [0, 1], [1, 0], [1, 1]])
    logits = learned(data, Semantics.INDEPENDENT).logits(data.vectors)
    assert ((logits > 0) == (data.targets == 1)).all()


def test_a_class_missing_from_a_fold_is_never_predicted() -> None:
    """And does not crash the fold."""
    data = examples([[1, 0, 0], [0, 0, 1]])
    probabilities = exclusive(data)
    assert (probabilities.argmax(axis=1) == data.targets.argmax(axis=1)).all()
    assert probabilities[:, 1].max() < 1e-6


@pytest.mark.parametrize("semantics", Semantics)
def test_a_fold_with_one_class_only_predicts_it(semantics: Semantics) -> None:
    """Nothing can be learned, and the answer is still a probability."""
    data = examples([[1, 0]])
    logits = learned(data, semantics).logits(data.vectors)
    probabilities = softmax(logits, axis=1) if semantics is Semantics.EXCLUSIVE else expit(logits)
    assert probabilities[:, 0].min() > 0.999
    assert probabilities[:, 1].max() < 0.001


def test_rare_classes_weigh_as_much_as_frequent_ones() -> None:
    """Balanced: on overlapping classes, a class with a tenth of the frames is not drowned."""
    generator = np.random.default_rng(0)
    targets = np.eye(2, dtype=np.float32)[np.array([0] * 300 + [1] * 30)]
    vectors = np.zeros((330, 3 * CHANNELS), dtype=np.float32)
    vectors[:, :2] = generator.normal(targets[:, 1:], 1.0, (330, 2))
    predicted = exclusive(Examples.plain(vectors, targets)).argmax(axis=1)
    assert predicted[300:].mean() > 0.6
