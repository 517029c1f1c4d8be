"""Where a long video is cut, and into how many segments."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screen_time.manifest import Fit, InputSpec
from screen_time.planning import CONCURRENT, LONGEST_SECONDS, Cost, cut, segments, work_seconds
from screen_time.samples import Outline, Part, VideoInfo

VGG = InputSpec(224, 398, Fit.PAD)
FILM = VideoInfo("mov,mp4,m4a,3gp,3g2,mj2", "h264", 1920, 1080, 0, Fraction(24))
HOUR_MS = 3_600_000


def outline(length_ms: int, gop_ms: int, info: VideoInfo = FILM) -> Outline:
    return Outline(info, length_ms, tuple(range(0, length_ms, gop_ms)))


def test_parts_begin_at_key_frames_and_are_about_equal() -> None:
    """An hour with a key frame each ten seconds, in six: cut at the minutes, the last one open."""
    assert cut(outline(HOUR_MS, 10_000), 1000, 6) == (
        Part(0, 600),
        Part(600, 1200),
        Part(1200, 1800),
        Part(1800, 2400),
        Part(2400, 3000),
        Part(3000, None),
    )


def test_a_key_frame_between_two_samples_gives_its_part_the_later_one() -> None:
    """The earlier sample shows a frame that precedes the key frame."""
    assert cut(outline(20_000, 10_300), 1000, 2) == (Part(0, 11), Part(11, None))


@pytest.mark.parametrize("keys_ms", [(), (0,)])
def test_a_video_without_places_to_begin_at_is_one_part(keys_ms: tuple[int, ...]) -> None:
    """No index, or one key frame for all of it: nothing can be shared."""
    assert cut(Outline(FILM, HOUR_MS, keys_ms), 1000, 40) == (Part(0, None),)


@given(
    gaps_ms=st.lists(st.integers(min_value=1, max_value=30_000), max_size=50),
    length_ms=st.integers(min_value=0, max_value=500_000),
    interval_ms=st.sampled_from([40, 1000, 7000]),
    count=st.integers(min_value=1, max_value=40),
)
def test_parts_follow_each_other_whatever_the_key_frames(
    gaps_ms: list[int], length_ms: int, interval_ms: int, count: int
) -> None:
    """Every sample is in exactly one part, none is empty, and there are not more than asked for."""
    keys = [0]
    for gap in gaps_ms:
        keys.append(keys[-1] + gap)
    parts = cut(Outline(FILM, length_ms, tuple(keys)), interval_ms, count)
    assert parts[0].first == 0
    assert parts[-1].stop is None
    assert all(one.stop == other.first for one, other in pairwise(parts))
    assert all(part.stop is None or part.first < part.stop for part in parts)
    assert len(parts) <= count


def test_work_grows_with_pixels_frames_samples_and_codec() -> None:
    """It is an estimate, of the right order: two hours of film are 20 minutes or so of one processor."""
    film = work_seconds(outline(2 * HOUR_MS, 10_000), VGG, 1000)
    assert 600 < film < 2400
    assert work_seconds(outline(4 * HOUR_MS, 10_000), VGG, 1000) == pytest.approx(2 * film)
    assert work_seconds(outline(2 * HOUR_MS, 10_000), VGG, 500) > film
    heavy = VideoInfo("matroska,webm", "av1", 1920, 1080, 0, Fraction(24))
    assert work_seconds(outline(2 * HOUR_MS, 10_000, heavy), VGG, 1000) > film


def test_a_video_that_tells_no_length_is_no_estimated_work() -> None:
    """A live recording is measured in one piece: there is no end to cut before."""
    assert work_seconds(Outline(FILM, 0, (0, 2000)), VGG, 1000) == 0


def test_segments_are_as_many_as_the_work_is_worth() -> None:
    """Few for little work, forty for much, and more than forty only where each would be too long."""
    assert segments(10, 30) == 1
    assert segments(100, 30) == 4
    assert segments(30 * CONCURRENT * 10, 30) == CONCURRENT
    assert segments(LONGEST_SECONDS * 100, 30) == 100


def test_a_file_is_not_read_again_by_more_than_its_share() -> None:
    """Every segment reads the index: what all of them read twice is bounded by the file's size."""
    gib = 1024**3
    few, many = Cost(20 * 1024**2, gib).segments(), Cost(1024**2, gib).segments()
    assert 1 < few < many
    assert (few - 1) * (20 + 2) * 1024**2 <= 0.1 * gib
    assert Cost(1000, 100_000).segments() == 1
    assert Cost(1000, 100_000).segments(reread_bytes=400_000) == 5
