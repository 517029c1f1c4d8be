"""How far figures would move with other videos like these: bootstrap over groups, since frames are not independent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from screen_time.summary import presence
from training.evaluation import Answers

RESAMPLES = 2000
CONFIDENCE = 0.95

Interval = tuple[float, float]


def bootstrap_intervals(
    answers: Answers,
    manifest: Manifest,
    groups: Sequence[str],
    present: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % percentile intervals of accuracy, macro F1 and each label's seconds error, named as Scores.metrics does.

    Whole groups (n names) are drawn with replacement. `present` (n × labels) is what was counted, if not by `manifest`.
    Empty where there is only one group, which tells nothing about others.
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return {}
    shown = answers.targets == 1
    counted = presence(answers.probabilities, manifest) if present is None else present
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)

    def drawn(values: NDArray[np.generic]) -> NDArray[np.float64]:
        """The sum over the frames of each resample (resamples × …) of values for each frame (n × …)."""
        sums = np.zeros((len(names), *values.shape[1:]))
        np.add.at(sums, group, values)
        return np.asarray(draws @ sums)

    frames = drawn(np.ones(len(shown)))
    durations = drawn(answers.durations_ms.astype(np.float64))
    errors = drawn(answers.durations_ms[:, None] * (counted.astype(np.int64) - shown)) / durations[:, None]
    hits, named, there = drawn(counted & shown), drawn(counted), drawn(shown)
    f1 = np.divide(2 * hits, named + there, out=np.zeros_like(hits), where=named + there > 0)
    figures = {
        "accuracy": drawn((counted == shown).all(axis=1)) / frames,
        "macro_f1": f1.mean(axis=1),
        **{
            f"{label}_seconds_error_percent": 100 * error
            for label, error in zip(manifest.labels, errors.T, strict=True)
        },
    }
    return {name: _interval(values) for name, values in figures.items()}


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
