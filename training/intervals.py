"""How much less certain seconds are than independent frames would make them.

If frames were independent and probabilities right, a character's seconds had the variance Σ duration² p (1 - p). They
are not: what is wrong in one second is wrong in the next, and a model can be wrong about a whole scene. The factor
between that variance and the real one, the dispersion, is measured on windows of the out-of-fold answers.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest, Semantics
from screen_time.summary import presence, seconds_interval_ms
from training.evaluation import Answers

Values = NDArray[np.float64]

WINDOWS_MS = (8_000, 16_000, 32_000, 64_000)
"""Lengths of the windows: errors that last as long as a scene show in the long ones only, few as they are."""

FEWEST_WINDOWS = 4
PRIOR_WINDOWS = 6.0
"""A label's own dispersion counts like its windows, all labels' in common like so many more."""

COVERAGE_WINDOW_MS = 32_000
PARTS = 4
"""Into so many stretches of time are answers cut to see whether the dispersions of some hold on the others."""


def fit_dispersions(answers: Answers, manifest: Manifest, videos: NDArray[np.int64]) -> tuple[float, ...]:
    """A factor of the variance for each label, and for independent labels nobody's last; each at least 1.

    Answers are calibrated and out of fold; `videos` (n) tells which video each is of. Of several lengths of windows
    the one with the largest factor counts. Empty where there are too few windows.
    """
    chances, shown = _chances(answers, manifest)
    factors = [
        _shrunk(residuals, variances)
        for length in WINDOWS_MS
        for residuals, variances in [_windows(answers, chances, shown, videos, length)]
        if len(residuals) >= FEWEST_WINDOWS
    ]
    if not factors:
        return ()
    return tuple(round(float(each), 3) for each in np.maximum(1, np.max(factors, axis=0)))


def interval_coverage(
    answers: Answers, manifest: Manifest, videos: NDArray[np.int64], window_ms: int = COVERAGE_WINDOW_MS
) -> float | None:
    """How often windows' intervals hold the true seconds, with the dispersions of the other parts of the time.

    A share of all windows and labels, to be compared with `screen_time.summary.INTERVAL_SHARE`; None where there are
    too few answers to tell.
    """
    order = np.lexsort((answers.indices, videos))
    held = []
    for part in np.array_split(order, PARTS):
        others = np.setdiff1d(order, part)
        dispersions = fit_dispersions(answers.chosen(others), manifest, videos[others])
        if dispersions:
            calibrated = replace(manifest, dispersions=dispersions)
            held += _held(answers.chosen(part), calibrated, videos[part], window_ms)
    return float(np.mean(held)) if held else None


def _held(answers: Answers, manifest: Manifest, videos: NDArray[np.int64], window_ms: int) -> list[bool]:
    """For each window and label, whether the interval that a result would state holds the true time."""
    chances, shown = _chances(answers, manifest)
    counted = _with_nobody(presence(answers.probabilities, manifest), manifest)
    found = []
    for rows in window_rows(answers, videos, window_ms):
        durations = answers.durations_ms[rows]
        for column, dispersion in enumerate(manifest.dispersions):
            chance = chances[rows, column].astype(np.float32)
            low, high = seconds_interval_ms(chance, durations, int(durations @ counted[rows, column]), dispersion)
            found.append(low <= int(durations @ shown[rows, column]) <= high)
    return found


def window_rows(answers: Answers, videos: NDArray[np.int64], length_ms: int) -> Iterator[NDArray[np.int64]]:
    """Positions of consecutive answers of one video that together last at least `length_ms`; a shorter rest is left."""
    order = np.lexsort((answers.indices, videos))
    begin, lasted = 0, 0
    for place, row in enumerate(order):
        if videos[row] != videos[order[begin]]:
            begin, lasted = place, 0
        lasted += int(answers.durations_ms[row])
        if lasted >= length_ms:
            yield order[begin : place + 1]
            begin, lasted = place + 1, 0
            if begin == len(order):
                return


def _windows(
    answers: Answers, chances: Values, shown: Values, videos: NDArray[np.int64], length_ms: int
) -> tuple[Values, Values]:
    """Windows × labels: true minus expected seconds, and the variance that independent frames would give them."""
    seconds = answers.durations_ms[:, None] / 1000
    residual, variance = seconds * (shown - chances), seconds**2 * chances * (1 - chances)
    rows = list(window_rows(answers, videos, length_ms))
    empty = np.empty((0, chances.shape[1]))
    if not rows:
        return empty, empty
    return np.array([residual[each].sum(axis=0) for each in rows]), np.array(
        [variance[each].sum(axis=0) for each in rows]
    )


def _shrunk(residuals: Values, variances: Values) -> Values:
    """Each label's dispersion (labels): its windows' own, and as far as they are few, that of all labels."""
    squares, expected = (residuals**2).sum(axis=0), variances.sum(axis=0)
    common = squares.sum() / max(expected.sum(), 1e-9)
    own = np.divide(squares, expected, out=np.full_like(squares, common), where=expected > 1e-9)
    windows = len(residuals)
    return np.asarray((windows * own + PRIOR_WINDOWS * common) / (windows + PRIOR_WINDOWS))


def _chances(answers: Answers, manifest: Manifest) -> tuple[Values, Values]:
    """Probabilities and what was shown, with a column for nobody at the end of independent labels."""
    chances = answers.probabilities.astype(np.float64)
    shown = _with_nobody(answers.targets == 1, manifest).astype(np.float64)
    if manifest.semantics is Semantics.INDEPENDENT:
        chances = np.column_stack((chances, (1 - chances).prod(axis=1)))
    return chances, shown


def _with_nobody(present: NDArray[np.bool_], manifest: Manifest) -> NDArray[np.bool_]:
    if manifest.semantics is Semantics.EXCLUSIVE:
        return present
    return np.column_stack((present, ~present.any(axis=1)))
