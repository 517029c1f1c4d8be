"""How far two models are apart."""

import numpy as np
import pytest

from screen_time.disagreement import Answers, Disagreement, disagreement
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics

SPEC = InputSpec(2, 2, Fit.PAD)
EXCLUSIVE = Manifest(("nobody", "tom", "jerry"), Semantics.EXCLUSIVE, "nobody", (), SPEC, "head", "form", {})
INDEPENDENT = Manifest(("jerry", "tom"), Semantics.INDEPENDENT, None, (0.5, 0.5), SPEC, "head", "form", {})
SPIKE = Manifest(("tom", "spike"), Semantics.EXCLUSIVE, None, (), SPEC, "head", "form", {})


def answers(manifest: Manifest, *rows: list[float]) -> Answers:
    return Answers(np.asarray(rows, dtype=np.float32), manifest)


def test_disagreement_is_weighed_by_time_and_differences_of_seconds_cancel_out() -> None:
    """Swapping two characters in samples of the same length changes nobody's seconds."""
    one = answers(EXCLUSIVE, [0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0])
    other = answers(EXCLUSIVE, [0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1])
    apart = disagreement([1000, 1000, 1000, 500], one, other)
    assert apart.samples_percent == pytest.approx(100 * 2500 / 3500)
    assert apart.seconds_percent == pytest.approx(100 * 500 / 3500)
    assert disagreement([1000, 1000, 1000, 500], one, one) == Disagreement(0, 0)


def test_models_of_different_labels_are_compared_by_their_characters_names() -> None:
    """In whatever order, with or without a label for nobody, and where only one knows a character."""
    exclusive = answers(EXCLUSIVE, [1, 0, 0], [0, 1, 0])
    independent = answers(INDEPENDENT, [0.1, 0.2], [0.3, 0.9])
    assert disagreement([1000, 1000], exclusive, independent) == Disagreement(0, 0)
    assert disagreement([1000, 3000], independent, answers(SPIKE, [0, 1], [1, 0])) == Disagreement(25, 25)
