"""How sure the model is of a video, and how much of it each label takes."""

import numpy as np
import pytest

from screen_time.classifier import Probabilities
from screen_time.drift import confidence, label_shares
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics

SPEC = InputSpec(2, 2, Fit.PAD)
EXCLUSIVE = Manifest(("a", "b"), Semantics.EXCLUSIVE, None, (), SPEC, "head", "form", {})
INDEPENDENT = Manifest(("a", "b"), Semantics.INDEPENDENT, None, (0.5, 0.9), SPEC, "head", "form", {})


def probabilities(rows: list[list[float]]) -> Probabilities:
    return np.asarray(rows, dtype=np.float32)


def test_confidence_is_in_the_answers_given() -> None:
    """A sure no is as sure as a sure yes."""
    assert confidence(probabilities([[0.9, 0.1], [0.3, 0.7]]), EXCLUSIVE) == pytest.approx(0.8)
    assert confidence(probabilities([[0.9, 0.2]]), INDEPENDENT) == pytest.approx(0.85)


def test_shares_are_of_the_duration() -> None:
    """The last sample may stand for less; independent labels may share the time."""
    durations = [1000, 1000, 500]
    answers = probabilities([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert label_shares(durations, answers, EXCLUSIVE) == {"a": pytest.approx(0.6), "b": pytest.approx(0.4)}
    both = probabilities([[0.9, 0.95], [0.2, 0.8], [0.6, 0.4]])
    assert label_shares(durations, both, INDEPENDENT) == {"a": pytest.approx(0.6), "b": pytest.approx(0.4)}
