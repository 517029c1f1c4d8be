"""Which examples are learned from and which are held out to test what was learned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset, Example, Targets

Indices = NDArray[np.int64]

TEST_SHARE = 0.3
BLOCK_MS = 16_000
"""Length of a block. Neighbouring frames are nearly the same picture; scenes rarely last longer than this."""

FEWEST_BLOCKS = 5
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fold:
    """Examples to learn from, and examples to test on that none of the former is next to."""

    train: Indices
    test: Indices


def random_split(targets: Targets, seed: int) -> Fold:
    """70 % to learn from and 30 % to test on, stratified: the classic's split, which flatters.

    Almost every test frame has neighbours in time, nearly the same picture, among those learned from.
    """
    from sklearn.model_selection import train_test_split

    indices = np.arange(len(targets))
    train, test = train_test_split(indices, test_size=TEST_SHARE, random_state=seed, stratify=_strata(targets))
    return Fold(np.sort(train), np.sort(test))


def grouped_folds(dataset: Dataset, seed: int) -> tuple[Fold, ...]:
    """Folds that hold whole groups out, so that every example is tested once by a head that saw nothing near it.

    Groups are the videos; of a single video what its label file's `group` says, else contiguous blocks.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = np.unique(group_names(dataset.examples), return_inverse=True)[1]
    folds = min(FOLDS, int(groups.max()) + 1)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    # Rare strata are fewer than the folds; that they cannot be in each of them is known.
    strata = _strata(dataset.targets, fewest=folds)
    split = splitter.split(strata, strata, groups)
    return tuple(Fold(train, test) for train, test in split)


def are_of_several(examples: Sequence[Example]) -> bool:
    """Whether groups are videos, or what a label file says, and not merely blocks of one video."""
    return len({(example.source, example.group) for example in examples}) > 1


def group_names(examples: Sequence[Example]) -> list[str]:
    """The name of each example's group."""
    if len({example.source for example in examples}) > 1:
        return [f"video {example.source}" for example in examples]
    if len({example.group for example in examples}) > 1:
        return [f"group {example.group}" for example in examples]
    first, last = examples[0].time_ms, examples[-1].time_ms + examples[-1].duration_ms
    length = min(BLOCK_MS, (last - first) // FEWEST_BLOCKS + 1)
    return [f"block {(example.time_ms - first) // length}" for example in examples]


def _strata(targets: Targets, fewest: int = 2) -> Indices:
    """A number for each combination of labels; combinations too rare to be split are one."""
    _combinations, strata, counts = np.unique(targets, axis=0, return_inverse=True, return_counts=True)
    rare = counts[strata] < fewest
    strata = np.where(rare, -1, strata.reshape(-1))
    if 0 < rare.sum() < fewest:  # joined, they are still too rare: they go with the most frequent one
        strata[rare] = counts.argmax()
    return np.asarray(strata, dtype=np.int64)
