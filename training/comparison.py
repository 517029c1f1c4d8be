"""Two versions' answers on the same frames: which is better, and whether that is more than chance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.answers_file import FrameKey, NamedAnswers
from training.splits import BLOCK_MS

LEVEL = 0.95
"""Of the interval; a difference within it is taken for chance."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Share of right frames, the challenger's minus the champion's, with its interval, and McNemar's exact p."""

    estimate: float
    low: float
    high: float
    p: float

    @property
    def worse(self) -> bool:
        """Whether the challenger is worse beyond noise: by the interval over blocks, and by the frames' own test."""
        return self.high < 0 and self.p < 1 - LEVEL

    @property
    def better(self) -> bool:
        """Whether it is better beyond noise."""
        return self.low > 0 and self.p < 1 - LEVEL

    @property
    def verdict(self) -> str:
        """In one word or two."""
        return "better" if self.better else "worse" if self.worse else "no different beyond noise"


@dataclass(frozen=True, slots=True)
class Side:
    """One version on the compared frames: share of right ones, each character's F1, and its seconds."""

    accuracy: float
    f1: Mapping[str, float]
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger and champion on the same frames; `disagreements` are the frames where they said different things."""

    frames: int
    duration_seconds: float
    true_seconds: Mapping[str, float]
    challenger: Side
    champion: Side
    difference: Difference
    disagreements: tuple[FrameKey, ...]


def compare_answers(challenger: NamedAnswers, champion: NamedAnswers) -> Comparison:
    """Compare on the frames that both have answered; what they show is what the challenger's labels say.

    Raises ValueError where there is no such frame.
    """
    keys = sorted(set(challenger) & set(champion))
    if not keys:
        raise ValueError("no frame was answered by both")
    shown = [challenger[key].shown for key in keys]
    said = [[answers[key].said for key in keys] for answers in (challenger, champion)]
    milliseconds = [challenger[key].milliseconds for key in keys]
    names = sorted({name for each in (*shown, *said[0], *said[1]) for name in each})
    right = [np.array([one == other for one, other in zip(shown, each, strict=True)]) for each in said]
    sides = [_side(names, shown, each, correct, milliseconds) for each, correct in zip(said, right, strict=True)]
    return Comparison(
        frames=len(keys),
        duration_seconds=sum(milliseconds) / 1000,
        true_seconds=_seconds(names, shown, milliseconds),
        challenger=sides[0],
        champion=sides[1],
        difference=paired_difference(right[0], right[1], [f"{video}/{time // BLOCK_MS}" for video, time in keys]),
        disagreements=tuple(key for key, one, other in zip(keys, *said, strict=True) if one != other),
    )


def paired_difference(challenger: NDArray[np.bool_], champion: NDArray[np.bool_], blocks: list[str]) -> Difference:
    """The difference of two shares of right frames (n booleans each) with its interval.

    Frames a second apart are nearly one picture: the interval is Student's over whole blocks, as clustered samples have
    it. McNemar's exact test beside it keeps a handful of blocks from looking certain.
    """
    from scipy.stats import binomtest, t

    gains = challenger.astype(np.int64) - champion.astype(np.int64)
    won, lost = int((gains == 1).sum()), int((gains == -1).sum())
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    index = np.unique(blocks, return_inverse=True)[1]
    sums, sizes = np.bincount(index, weights=gains), np.bincount(index)
    count = len(sums)
    estimate = float(gains.mean())
    if count == 1:  # one block alone cannot tell how much blocks differ
        return Difference(estimate, -1.0, 1.0, p)
    error = float(np.sqrt(((sums - estimate * sizes) ** 2).sum() * count / (count - 1)) / sizes.sum())
    reach = float(t.ppf((1 + LEVEL) / 2, count - 1)) * error
    return Difference(estimate, max(-1.0, estimate - reach), min(1.0, estimate + reach), p)


def _side(
    names: list[str],
    shown: list[frozenset[str]],
    said: list[frozenset[str]],
    right: NDArray[np.bool_],
    milliseconds: list[int],
) -> Side:
    f1 = {name: _f1([name in each for each in shown], [name in each for each in said]) for name in names}
    return Side(float(right.mean()), f1, _seconds(names, said, milliseconds))


def _f1(shown: list[bool], said: list[bool]) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(shown, said, zero_division=0))


def _seconds(names: list[str], frames: list[frozenset[str]], milliseconds: list[int]) -> dict[str, float]:
    return {
        name: sum(length for each, length in zip(frames, milliseconds, strict=True) if name in each) / 1000
        for name in names
    }
