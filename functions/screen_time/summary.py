"""From probabilities to who is on screen when: pure arithmetic on whole milliseconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest, Semantics

LEAST_CERTAIN = 10
"""How many samples are named as the ones to label next."""


@dataclass(frozen=True, slots=True)
class Segment:
    """An unbroken run of samples with the same answer: milliseconds from the video's start, the end exclusive."""

    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Presence:
    """One character's (or nobody's) time on screen. `mean_confidence` is None where there is none."""

    milliseconds: int
    mean_confidence: float | None
    segments: tuple[Segment, ...]


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
        name: _presence(present[:, columns[name]], probabilities[:, columns[name]], durations, ends)
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
    """Which labels a sample shows (n × labels): the most probable one, or every one that reaches its threshold."""
    if manifest.semantics is Semantics.INDEPENDENT:
        return np.asarray(probabilities >= np.asarray(manifest.thresholds, dtype=np.float32))
    return np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(manifest.labels)))


def margins(probabilities: Probabilities, manifest: Manifest) -> NDArray[np.float32]:
    """How far each sample (n) is from another answer: the best label's lead, or the nearest threshold's distance."""
    if manifest.semantics is Semantics.INDEPENDENT:
        return np.asarray(np.abs(probabilities - np.asarray(manifest.thresholds, dtype=np.float32)).min(axis=1))
    if probabilities.shape[1] == 1:
        return np.ones(len(probabilities), dtype=np.float32)
    best = np.sort(probabilities, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


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
        return _presence(empty, (1 - probabilities).prod(axis=1), durations, ends)
    if manifest.nobody is None:
        return None
    column = manifest.labels.index(manifest.nobody)
    return _presence(present[:, column], probabilities[:, column], durations, ends)


def _presence(
    present: NDArray[np.bool_],
    confidence: NDArray[np.float32],
    durations: NDArray[np.int64],
    ends: NDArray[np.int64],
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
    return Presence(milliseconds, mean, segments)


def _runs(present: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.diff(np.concatenate(([0], present.astype(np.int8), [0])))
    yield from zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True)
