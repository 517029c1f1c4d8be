"""Splits: what is held out is far from what is learned from."""

import numpy as np
import pytest

from screen_time.manifest import Semantics
from training.dataset import Dataset, Example
from training.labels import LabelScheme
from training.splits import group_names, grouped_folds, random_split


def dataset(examples: list[Example], seed: int = 0) -> Dataset:
    """A dataset of these examples with three classes that follow each other in scenes of 7 s."""
    classes = np.array([example.time_ms // 7000 % 3 for example in examples])
    targets = np.eye(3, dtype=np.float32)[classes]
    return Dataset(LabelScheme(("a", "b", "c"), Semantics.EXCLUSIVE, None), (), tuple(examples), targets, {}, ())


def seconds(count: int, source: int = 0, group: str | None = None) -> list[Example]:
    """`count` labelled seconds of one video."""
    return [Example(source, 1000 * second, 1000, group) for second in range(count)]


def test_the_random_split_is_70_to_30_and_stratified() -> None:
    """Each class is split as the whole is."""
    data = dataset(seconds(210))
    fold = random_split(data.targets, seed=0)
    assert len(fold.train) == 147
    assert set(fold.train).isdisjoint(fold.test)
    assert np.abs(data.targets[fold.test].mean(axis=0) - data.targets.mean(axis=0)).max() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_every_example_is_tested_once_by_what_has_not_seen_its_group(seed: int) -> None:
    """That is what out of fold means."""
    data = dataset(seconds(150))
    groups = np.array(group_names(data.examples))
    folds = grouped_folds(data, seed)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(150))
    for fold in folds:
        assert set(groups[fold.train]).isdisjoint(groups[fold.test])
        assert set(fold.train.tolist()) | set(fold.test.tolist()) == set(range(150))


def test_blocks_of_one_video_are_contiguous_and_long() -> None:
    """Neighbouring seconds stay together."""
    names = group_names(seconds(160))
    assert len(set(names)) == 10
    assert names == sorted(names, key=lambda name: int(name.split()[1]))


def test_short_videos_still_have_blocks_to_hold_out() -> None:
    """Twenty labelled seconds give five blocks, not two."""
    assert len(set(group_names(seconds(20)))) == 5


def test_videos_are_the_groups_where_there_are_several() -> None:
    """The nearest thing to an unseen episode."""
    data = dataset(seconds(30) + seconds(30, source=1))
    tests = [set(fold.test.tolist()) for fold in grouped_folds(data, seed=0)]
    assert sorted(tests, key=min) == [set(range(30)), set(range(30, 60))]


def test_the_label_file_s_groups_come_before_blocks() -> None:
    """Who labels knows where one cartoon ends."""
    examples = seconds(30, group="snow") + [Example(0, 30_000 + 1000 * s, 1000, "cheese") for s in range(30)]
    assert set(group_names(examples)) == {"group snow", "group cheese"}
    assert len(grouped_folds(dataset(examples), seed=0)) == 2


def test_the_seed_decides() -> None:
    """The same seed, the same split; another seed, another."""
    targets = dataset(seconds(90)).targets
    first, again, other = (random_split(targets, seed).test.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_combination_too_rare_to_be_split_does_not_stop_the_split() -> None:
    """One frame with both characters among fifty."""
    targets = np.array([[1, 0], [0, 1]] * 25 + [[1, 1]], dtype=np.float32)
    fold = random_split(targets, seed=0)
    assert len(fold.train) + len(fold.test) == 51
