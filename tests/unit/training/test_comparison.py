"""Two versions on the same frames: which is better, and when that is only chance."""

import numpy as np
import pytest

from training.answers_file import NamedAnswer, NamedAnswers, from_csv, to_csv
from training.comparison import compare_answers, paired_difference
from training.yardstick import same_test

TOM, JERRY, NOBODY = frozenset({"tom"}), frozenset({"jerry"}), frozenset[str]()


def answers(*said: frozenset[str], shown: frozenset[str] = TOM, group: str = "a", video: str = "v") -> NamedAnswers:
    """A frame a second that shows the same all the time, and what was said of each."""
    return {
        (video, 1000 * second): NamedAnswer(1000, f"{group}{second // 16}", shown, each)
        for second, each in enumerate(said)
    }


def test_figures_seconds_and_disagreements() -> None:
    """Of four seconds of Tom one version misses the first, the other the last two."""
    one = answers(NOBODY, TOM, TOM, TOM)
    other = answers(TOM, TOM, NOBODY, JERRY)
    found = compare_answers(one, other)
    assert (found.challenger.accuracy, found.champion.accuracy) == (0.75, 0.5)
    assert found.true_seconds == {"jerry": 0, "tom": 4}
    assert found.challenger.seconds == {"jerry": 0, "tom": 3}
    assert found.champion.seconds == {"jerry": 1, "tom": 2}
    assert found.disagreements == (("v", 0), ("v", 2000), ("v", 3000))
    assert found.difference.estimate == 0.25


def test_only_common_frames_are_compared() -> None:
    """Others say nothing of the difference."""
    assert compare_answers(answers(TOM, TOM), answers(TOM, TOM, NOBODY)).frames == 2
    with pytest.raises(ValueError, match="no frame"):
        compare_answers(answers(TOM), answers(TOM, video="w"))


def test_a_version_is_its_own_equal() -> None:
    """Neither better nor worse, with certainty."""
    same = answers(*[TOM, JERRY] * 40)
    assert compare_answers(same, same).difference.verdict == "no different beyond noise"


def test_a_version_that_is_wrong_everywhere_else_is_worse() -> None:
    """And the other one better."""
    good, bad = answers(*[TOM] * 160), answers(*[TOM, JERRY] * 80)
    assert compare_answers(bad, good).difference.verdict == "worse"
    assert compare_answers(good, bad).difference.verdict == "better"


def test_one_bad_scene_is_chance() -> None:
    """Fourteen frames in a row are one event: by frames alone it would look certain."""
    right = np.ones(160, dtype=bool)
    missed = right.copy()
    missed[:14] = False
    difference = paired_difference(missed, right, [str(second // 16) for second in range(160)])
    assert difference.p < 0.001
    assert not difference.worse


def test_a_few_frames_are_chance() -> None:
    """Three of three wrong in two blocks: the blocks agree, and there is too little of them."""
    difference = paired_difference(np.zeros(3, dtype=bool), np.ones(3, dtype=bool), ["a", "b", "b"])
    assert difference.high < 0
    assert not difference.worse


def test_equal_versions_are_rarely_called_worse() -> None:
    """Of 400 pairs that err alike, in runs as videos do: one in forty by design, at most one in fifteen."""
    generator = np.random.default_rng(0)
    blocks = [str(second // 16) for second in range(320)]
    called = 0
    for _ in range(400):
        one, other = (np.repeat(generator.random(80) < 0.8, 4) for _ in range(2))
        called += paired_difference(one, other, blocks).worse
    assert called <= 400 / 15


def test_one_block_alone_tells_nothing() -> None:
    """How much blocks differ cannot be known from one."""
    difference = paired_difference(np.zeros(16, dtype=bool), np.ones(16, dtype=bool), ["a"] * 16)
    assert (difference.estimate, difference.low, difference.high) == (-1, -1, 1)


def test_answers_survive_their_file() -> None:
    """Names with commas and accents too."""
    kept = answers(frozenset({"Tom, the cat", "Été"}), NOBODY)
    assert from_csv(to_csv(kept)) == kept
    with pytest.raises(ValueError, match="not a table"):
        from_csv("a,b\n1,2\n")


def test_versions_are_comparable_where_they_were_tested_alike() -> None:
    """The names of groups may differ, what belongs together may not."""
    one = answers(*[TOM] * 40)
    assert same_test(one, answers(*[JERRY] * 40, group="b"))
    assert not same_test(one, answers(*[TOM] * 40, video="w"))
    assert not same_test(one, answers(*[TOM] * 80))
    whole = {key: NamedAnswer(1000, "video", TOM, TOM) for key in one}
    assert not same_test(one, whole)
