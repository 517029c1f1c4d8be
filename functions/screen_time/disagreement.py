"""How far two models are apart on the same samples, where nobody knows the right answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest
from screen_time.summary import presence


@dataclass(frozen=True, slots=True)
class Answers:
    """What one model said of each sample: `probabilities` (n × labels), as `manifest` means them."""

    probabilities: Probabilities
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Disagreement:
    """In percent of the video's duration: the time for which the two say different characters, and the largest
    difference of any character's seconds. The first is never the smaller one: errors cancel out in sums.
    """

    samples_percent: float
    seconds_percent: float


def disagreement(durations_ms: Sequence[int], one: Answers, other: Answers) -> Disagreement:
    """Compare two models' answers to the same samples, which last `durations_ms` (n).

    Characters are compared by name. One that only one of the two knows, the other never sees; nobody is no character,
    so a model that has a label for an empty screen can be compared with one that has none.
    """
    names = sorted({*one.manifest.characters, *other.manifest.characters})
    first, second = _seen(one, names), _seen(other, names)
    weights = 100 * np.asarray(durations_ms) / sum(durations_ms)
    differences = np.abs(weights @ first - weights @ second)
    return Disagreement(float(weights @ (first != second).any(axis=1)), float(differences.max(initial=0)))


def _seen(answers: Answers, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the characters `names` each sample shows (n × names)."""
    shown = presence(answers.probabilities, answers.manifest)
    labels = answers.manifest.labels
    unknown = np.zeros(len(shown), dtype=np.bool_)
    return np.stack([shown[:, labels.index(name)] if name in labels else unknown for name in names], axis=1)
