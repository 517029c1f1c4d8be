"""Which frames are worth labelling next."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.suggestion import choose, gap_ms

SECONDS = [1000 * second for second in range(60)]


def shots(lengths: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Features of frames (n × 8) in shots of these lengths: alike within one, far apart between two."""
    random = np.random.default_rng(0)
    looks = random.normal(size=(len(lengths), 8)) * 10
    return (np.repeat(looks, lengths, axis=0) + random.normal(size=(sum(lengths), 8)) * 0.1).astype(np.float32)


def test_the_least_certain_frame_comes_first() -> None:
    """Whatever it shows."""
    margins = np.full(60, 0.5, dtype=np.float32)
    margins[37] = 0.01
    assert choose(SECONDS, margins, shots([60]), 5, 1000)[0] == 37


def test_every_shot_is_proposed_before_any_is_proposed_twice() -> None:
    """Although the model is unsure about ten frames of one of them."""
    margins = np.linspace(0.5, 0.6, 60, dtype=np.float32)
    margins[:10] = 0.05
    features = shots([10] * 6)
    chosen = choose(SECONDS, margins, features, 6, 1000)
    assert {index // 10 for index in chosen} == set(range(6))


def test_of_two_scenes_the_uncertain_one_is_proposed() -> None:
    """Novelty alone would take either."""
    margins = np.full(60, 0.9, dtype=np.float32)
    margins[0], margins[20:40] = 0.0, 0.2
    assert 20 <= choose(SECONDS, margins, shots([20, 20, 20]), 2, 1000)[1] < 40


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40),
    st.integers(1, 50),
    st.integers(0, 9),
    st.booleans(),
)
def test_chosen_frames_are_distinct_and_keep_their_distance(
    margins: list[float], count: int, gap_seconds: int, alike: bool
) -> None:
    """For any margins; a video whose frames are all alike has something to propose too."""
    number = len(margins)
    features = np.zeros((number, 2)) if alike else np.random.default_rng(0).normal(size=(number, 2))
    chosen = choose(
        SECONDS[:number],
        np.array(margins, dtype=np.float32),
        features.astype(np.float32),
        count,
        1000 * gap_seconds,
    )
    assert 1 <= len(chosen) <= count
    assert len(set(chosen)) == len(chosen)
    assert all(abs(one - other) >= max(gap_seconds, 1) for one in chosen for other in chosen if one != other)


@given(st.integers(1, 60), st.integers(1, 80))
def test_the_gap_leaves_room_for_as_many_as_were_asked_for(count: int, seconds: int) -> None:
    """As far as the video has so many frames."""
    times = [1000 * second for second in range(seconds)]
    random = np.random.default_rng(count)
    margins, features = random.random(seconds).astype(np.float32), random.random((seconds, 3)).astype(np.float32)
    chosen = choose(times, margins, features, count, gap_ms(1000 * seconds, count))
    assert len(chosen) == min(count, seconds)
