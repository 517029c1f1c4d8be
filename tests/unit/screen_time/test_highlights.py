"""Which moments of a video are shown: the same whether it was measured at once or in parts, and never many."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from screen_time.classifier import Answer
from screen_time.highlights import APART_MS, BEST, MOST, Collector, Highlights, merged
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from screen_time.preprocessing import prepare
from screen_time.summary import summarise
from screen_time.thumbnail import WIDTH, draw

LABELS = ("neither", "jerry", "tom")


def manifest(labels: tuple[str, ...] = LABELS, semantics: Semantics = Semantics.EXCLUSIVE) -> Manifest:
    nobody = labels[0] if semantics is Semantics.EXCLUSIVE else None
    thresholds = (0.5,) * len(labels) if semantics is Semantics.INDEPENDENT else ()
    return Manifest(labels, semantics, nobody, thresholds, InputSpec(18, 32, Fit.SQUEEZE), "head", "form", {})


def frames(number: int) -> NDArray[np.uint8]:
    """Flat pictures, each of its own grey."""
    return np.arange(number, dtype=np.uint8)[:, None, None, None] * np.ones((1, 18, 32, 3), dtype=np.uint8)


def collected(rows: NDArray[np.float32], model: Manifest, first: int = 0) -> Highlights:
    """The highlights of one sample a second from second `first` on."""
    collector = Collector(model)
    collector.add([1000 * (first + each) for each in range(len(rows))], frames(len(rows)), Answer(rows, None))
    return collector.highlights()


def certain(label: int, probability: float, number: int = 1) -> NDArray[np.float32]:
    row = np.full(3, (1 - probability) / 2, dtype=np.float32)
    row[label] = probability
    return np.tile(row, (number, 1))


def test_each_character_s_surest_moments_are_kept_apart_from_each_other() -> None:
    """A run of sure seconds is one picture; a less sure one elsewhere is another."""
    rows = np.concatenate([certain(1, 0.9, 9), certain(1, 0.8, 3), certain(0, 0.9, 8), certain(1, 0.7, 2)])
    best = collected(rows, manifest()).characters
    assert [moment.time_ms for moment in best["jerry"]] == [0, 10_000, 20_000]
    assert best["tom"] == ()


def test_moments_of_equal_certainty_come_from_all_over_the_video() -> None:
    """Not the first forty seconds only, where a model is sure all the time."""
    best = collected(certain(1, 1.0, 240), manifest()).characters["jerry"]
    assert len(best) == BEST
    assert max(moment.time_ms for moment in best) - min(moment.time_ms for moment in best) > 60_000


def test_the_least_certain_moments_are_those_of_the_result() -> None:
    """The report shows the pictures of what the JSON lists."""
    rows = np.random.default_rng(5).dirichlet((1, 1, 1), 60).astype(np.float32)
    summary = summarise([1000] * 60, rows, manifest())
    shown = collected(rows, manifest()).least_certain
    assert [moment.time_ms // 1000 for moment in shown] == list(summary.least_certain)


@given(
    st.lists(st.tuples(*[st.sampled_from((0.0, 0.2, 0.5, 0.501, 0.9, 1.0))] * 2), min_size=1, max_size=60),
    st.sets(st.integers(1, 59), max_size=4),
    st.booleans(),
)
def test_parts_merged_are_the_whole(rows: list[tuple[float, ...]], cuts: set[int], backwards: bool) -> None:
    """Wherever a video is cut, and in whatever order its parts come, as JSON too."""
    model = manifest(("jerry", "tom"), Semantics.INDEPENDENT)
    table = np.array(rows, dtype=np.float32)
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    whole = Collector(model)
    pictures = frames(len(rows))
    whole.add([3000 * each for each in range(len(rows))], pictures, Answer(table, None))
    parts = []
    for start, end in pairwise(edges):
        part = Collector(model)
        times = [3000 * each for each in range(start, end)]
        part.add(times, pictures[start:end], Answer(table[start:end], None))
        parts.append(Highlights.from_json(json.loads(json.dumps(part.highlights().to_json()))))
    assert merged(parts[::-1] if backwards else parts, model) == whole.highlights()


def test_many_characters_get_one_moment_each() -> None:
    """What is held does not grow with the labels beyond that."""
    labels = tuple(f"c{number}" for number in range(MOST + 10))
    best = collected(np.ones((60, len(labels)), dtype=np.float32), manifest(labels, Semantics.INDEPENDENT)).characters
    assert {len(moments) for moments in best.values()} == {1}


def test_two_hours_are_held_in_little_memory() -> None:
    """Only what is shown is kept, however long the video is."""
    rows = np.random.default_rng(1).dirichlet((1, 1, 1), 7200).astype(np.float32)
    collector = Collector(manifest())
    noise = np.random.default_rng(2).integers(0, 255, (8, 224, 398, 3), dtype=np.uint8)
    for first in range(0, 7200, 8):
        times = [1000 * (first + each) for each in range(8)]
        collector.add(times, noise, Answer(rows[first : first + 8], None))
    found = collector.highlights()
    assert all(len({moment.time_ms // APART_MS for moment in best}) == BEST for best in found.characters.values())
    assert len(json.dumps(found.to_json())) < 1_500_000


def test_a_thumbnail_shows_the_picture_without_its_padding() -> None:
    """The colour that fills up the model's input is none of the video's."""
    tall = np.full((90, 40, 3), (200, 30, 30), dtype=np.uint8)
    thumbnail = draw(prepare(tall, InputSpec(90, 160, Fit.PAD)), None)
    image = cv2.imdecode(np.frombuffer(thumbnail.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    assert image.shape == (thumbnail.height, thumbnail.width, 3) == (90, 40, 3)
    assert np.allclose(image.mean(axis=(0, 1)), (200, 30, 30), atol=4)


def test_a_thumbnail_is_small_whatever_the_model_takes() -> None:
    """A large input size makes no large report."""
    noise = np.random.default_rng(3).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    assert draw(noise, None).width == WIDTH
    assert draw(noise.transpose(1, 0, 2), None).height == WIDTH


def test_the_shade_leaves_light_where_the_model_looked() -> None:
    """Dark at the left, clear at the right, in the picture's own frame and not in its padding's."""
    wide = prepare(np.full((45, 80, 3), 90, dtype=np.uint8), InputSpec(90, 80, Fit.PAD))
    where = np.zeros((9, 8), dtype=np.float32)
    where[:, 6:] = 3.0
    shade = draw(wide, where).shade
    assert shade is not None
    alpha = cv2.imdecode(np.frombuffer(shade, np.uint8), cv2.IMREAD_UNCHANGED)[:, :, 3]  # type: ignore[index]
    assert alpha.shape[0] < alpha.shape[1]
    assert alpha[:, 2].min() > 150
    assert alpha[:, -2].max() < 10


@pytest.mark.parametrize("where", [np.zeros((4, 6)), np.full((4, 6), np.nan)])
def test_a_map_of_nothing_makes_no_shade(where: NDArray[np.float64]) -> None:
    """Rather no answer to where it looked than a black picture."""
    assert draw(np.zeros((18, 32, 3), dtype=np.uint8), where.astype(np.float32)).shade is None
