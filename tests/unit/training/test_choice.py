"""Which candidate is registered, on answers to 160 seconds, of one video or of two."""

import numpy as np
import pytest

from screen_time.manifest import Manifest
from tests.answers import EXCLUSIVE, INDEPENDENT
from training.choice import choose
from training.dataset import Dataset, Example
from training.evaluation import Answers
from training.heads import HEADS
from training.labels import LabelScheme

SECONDS = 160
JOINT = HEADS["joint"]
EACH = pytest.mark.parametrize("manifest", [EXCLUSIVE, INDEPENDENT], ids=["exclusive", "independent"])


def answers(manifest: Manifest, wrong: list[int]) -> Answers:
    """One label after the other is shown, and named but for the `wrong` seconds."""
    seconds = np.arange(SECONDS)
    targets = np.eye(len(manifest.labels), dtype=np.float32)[seconds % len(manifest.labels)]
    said = targets.copy()
    said[wrong] = np.roll(targets[wrong], 1, axis=1)
    return Answers(seconds, 0.1 + 0.8 * said, targets, np.full(SECONDS, 1000))


def chosen(manifest: Manifest, joint: list[int], pooled: list[int], videos: int = 2) -> str:
    """The choice between the joint head and a member that are wrong in these seconds."""
    examples = tuple(Example(second * videos // SECONDS, 1000 * second, 1000, None) for second in range(SECONDS))
    scheme = LabelScheme(manifest.labels, manifest.semantics, None)
    shown = answers(manifest, []).targets
    dataset = Dataset(scheme, (), examples, shown, {}, ())
    candidates = {"joint": answers(manifest, joint), "pooled": answers(manifest, pooled)}
    return choose(JOINT, candidates, dataset, manifest)


@EACH
def test_a_member_that_is_better_in_all_of_both_videos_is_registered_alone(manifest: Manifest) -> None:
    """A quarter of the frames, spread evenly, is no noise."""
    assert chosen(manifest, joint=list(range(0, SECONDS, 4)), pooled=[]) == "pooled"


@EACH
def test_blocks_of_one_video_are_no_ground_to_choose_a_member(manifest: Manifest) -> None:
    """One that knows this video's scenes well may know no other's."""
    assert chosen(manifest, joint=list(range(0, SECONDS, 4)), pooled=[], videos=1) == "joint"


@EACH
def test_a_member_that_is_better_in_one_scene_is_not(manifest: Manifest) -> None:
    """Eight neighbouring frames are a twentieth of the video, and may be one picture."""
    assert chosen(manifest, joint=list(range(16, 24)), pooled=[]) == "joint"


@EACH
def test_a_member_that_is_a_little_better_everywhere_is_not(manifest: Manifest) -> None:
    """Four frames of 160 are noise."""
    assert chosen(manifest, joint=[10, 50, 90, 130], pooled=[]) == "joint"


def test_a_head_that_was_not_tested_by_groups_is_what_it_is() -> None:
    """There is nothing to choose by."""
    dataset = Dataset(LabelScheme(("a",), EXCLUSIVE.semantics, None), (), (), np.zeros((0, 1), np.float32), {}, ())
    assert choose(HEADS["classic"], {}, dataset, EXCLUSIVE) == "classic"
