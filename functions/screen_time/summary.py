"""From probabilities to who is on screen when: pure arithmetic on whole milliseconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest, Semantics

LEAST_CERTAIN = 10
"""How many samples are named as the ones to label next."""

INTERVAL_SHARE = 0.9
"""How often an interval of seconds is meant to hold the true ones."""

_DEVIATIONS = NormalDist().inv_cdf((1 + INTERVAL_SHARE) / 2)


@dataclass(frozen=True, slots=True)
class Segment:
    """An unbroken run of samples with the same answer: milliseconds from the video's start, the end exclusive."""

    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Presence:
    """One character's (or nobody's) time on screen. `mean_confidence` is None where there is none.

    `interval_ms` holds the true time in 9 of 10 videos like those that the model learned from, and always
    `milliseconds`; None where the model does not know how sure it is.
    """

    milliseconds: int
    mean_confidence: float | None
    segments: tuple[Segment, ...]
    interval_ms: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """How long two characters share the screen."""

    characters: tuple[str, str]
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Who is on screen when. `nobody` is None for a model that has no answer for an empty screen.

    Every duration is a sum of sample durations, so for exclusive labels the characters' and nobody's add up to
    `duration_ms` exactly. `least_certain` holds indices of samples, the least certain first.
    """

    duration_ms: int
    characters: dict[str, Presence]
    nobody: Presence | None
    together: tuple[Together, ...]
    least_certain: tuple[int, ...]


def summarise(durations_ms: Sequence[int], probabilities: Probabilities, manifest: Manifest) -> Summary:
    """Summarise consecutive samples: `durations_ms` (n), `probabilities` (n × labels), as `manifest` means them."""
    durations = np.asarray(durations_ms, dtype=np.int64)
    ends = np.cumsum(durations)
    present = presence(probabilities, manifest)
    columns = {label: column for column, label in enumerate(manifest.labels)}
    characters = {
        name: _presence(
            present[:, columns[name]],
            probabilities[:, columns[name]],
            durations,
            ends,
            _dispersion(manifest, columns[name]),
        )
        for name in manifest.characters
    }
    return Summary(
        duration_ms=int(durations.sum()),
        characters=characters,
        nobody=_nobody(present, probabilities, durations, ends, manifest),
        together=tuple(
            Together(pair, int(durations[present[:, columns[pair[0]]] & present[:, columns[pair[1]]]].sum()))
            for pair in combinations(manifest.characters, 2)
            if manifest.semantics is Semantics.INDEPENDENT
        ),
        least_certain=tuple(int(index) for index in np.argsort(margins(probabilities, manifest), kind="stable"))[
            :LEAST_CERTAIN
        ],
    )


def presence(probabilities: Probabilities, manifest: Manifest) -> NDArray[np.bool_]:
    """Which labels a sample shows (n × labels): the most probable one, or every one that reaches its threshold.

    Where exclusive labels have thresholds, the label counts whose probability is largest in proportion to its own.
    """
    if manifest.semantics is Semantics.INDEPENDENT:
        return np.asarray(probabilities >= np.asarray(manifest.thresholds, dtype=np.float32))
    return np.asarray(_weighed(probabilities, manifest).argmax(axis=1)[:, None] == np.arange(len(manifest.labels)))


def margins(probabilities: Probabilities, manifest: Manifest) -> NDArray[np.float32]:
    """How far each sample (n) is from another answer: the best label's lead, or the nearest threshold's distance."""
    if manifest.semantics is Semantics.INDEPENDENT:
        return np.asarray(np.abs(probabilities - np.asarray(manifest.thresholds, dtype=np.float32)).min(axis=1))
    if probabilities.shape[1] == 1:
        return np.ones(len(probabilities), dtype=np.float32)
    best = np.sort(_weighed(probabilities, manifest), axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


def seconds_interval_ms(
    probabilities: NDArray[np.float32], durations_ms: NDArray[np.int64], milliseconds: int, dispersion: float
) -> tuple[int, int]:
    """Between how many ms a label is on screen, given its probability (n) in samples of `durations_ms` (n).

    The expected time plus and minus as many standard deviations as hold 90 % of a normal distribution, cut to what
    the samples can hold, and widened where it would not hold `milliseconds`, the time that was counted.
    """
    chance = np.clip(probabilities.astype(np.float64), 0, 1)
    expected = float(durations_ms @ chance)
    deviation = float(np.sqrt(dispersion * (durations_ms.astype(np.float64) ** 2 @ (chance * (1 - chance)))))
    low = max(0, round(expected - _DEVIATIONS * deviation))
    high = min(int(durations_ms.sum()), round(expected + _DEVIATIONS * deviation))
    return min(low, milliseconds), max(high, milliseconds)


def _weighed(probabilities: Probabilities, manifest: Manifest) -> Probabilities:
    """Exclusive probabilities divided by their labels' thresholds, rows adding up to what they did before."""
    if not manifest.thresholds:
        return probabilities
    weighed = probabilities / np.asarray(manifest.thresholds, dtype=np.float32)
    before, after = probabilities.sum(axis=1, keepdims=True), weighed.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weighed * before, after, out=np.zeros_like(weighed), where=after > 0))


def _dispersion(manifest: Manifest, column: int) -> float | None:
    return manifest.dispersions[column] if manifest.dispersions else None


def _nobody(
    present: NDArray[np.bool_],
    probabilities: Probabilities,
    durations: NDArray[np.int64],
    ends: NDArray[np.int64],
    manifest: Manifest,
) -> Presence | None:
    """Nobody's time: the label of that meaning, or the samples in which no independent label is present."""
    if manifest.semantics is Semantics.INDEPENDENT:
        # The product takes the characters as independent of each other, as their labels are.
        empty = np.asarray(~present.any(axis=1))
        return _presence(empty, (1 - probabilities).prod(axis=1), durations, ends, _dispersion(manifest, -1))
    if manifest.nobody is None:
        return None
    column = manifest.labels.index(manifest.nobody)
    return _presence(present[:, column], probabilities[:, column], durations, ends, _dispersion(manifest, column))


def _presence(
    present: NDArray[np.bool_],
    confidence: NDArray[np.float32],
    durations: NDArray[np.int64],
    ends: NDArray[np.int64],
    dispersion: float | None,
) -> Presence:
    milliseconds = int(durations[present].sum())
    mean = float(np.average(confidence[present], weights=durations[present])) if milliseconds else None
    segments = tuple(
        Segment(
            int(ends[first] - durations[first]),
            int(ends[last]),
            float(np.average(confidence[first : last + 1], weights=durations[first : last + 1])),
        )
        for first, last in _runs(present)
    )
    interval = None if dispersion is None else seconds_interval_ms(confidence, durations, milliseconds, dispersion)
    return Presence(milliseconds, mean, segments, interval)


def _runs(present: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.diff(np.concatenate(([0], present.astype(np.int8), [0])))
    yield from zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True)
