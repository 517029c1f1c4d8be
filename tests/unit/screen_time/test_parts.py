"""A video read in parts has the same samples as the whole, whatever the file and wherever it is cut."""

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.clips import ClipSpec, Codec, at_rate, write_clip
from demo.numbered import numbered_frame
from screen_time.samples import Extent, Part, Sample
from screen_time.video import Video

NTSC = Fraction(30000, 1001)
FRAMES = 400

X264_OPEN = (("x264-params", "open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"), ("preset", "veryfast"))
X265_OPEN = (("x265-params", "log-level=none:open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"),)
X264_REFRESH = (("x264-params", "intra-refresh=1:keyint=20"), ("preset", "veryfast"))

KINDS = {
    "constant-rate.mp4": ClipSpec(frame_rate=NTSC),
    "constant-rate.mkv": ClipSpec(frame_rate=NTSC),
    "constant-rate.webm": ClipSpec(codec=Codec.VP9, frame_rate=NTSC),
    "short-gops.mp4": ClipSpec(gop=2),
    "key-frames-only.mov": ClipSpec(gop=1),
    "one-gop.mp4": ClipSpec(gop=10_000),
    "b-frames.mp4": ClipSpec(b_frames=3, gop=30),
    "b-frames.mkv": ClipSpec(b_frames=3, gop=30),
    "open-gops.mp4": ClipSpec(b_frames=3, gop=20, options=X264_OPEN),
    "open-gops.mkv": ClipSpec(b_frames=3, gop=20, options=X264_OPEN),
    "open-gops-hevc.mp4": ClipSpec(codec=Codec.HEVC, b_frames=3, gop=20, options=X265_OPEN),
    "open-gops-hevc.mkv": ClipSpec(codec=Codec.HEVC, b_frames=3, gop=20, options=X265_OPEN),
    "no-key-frames-but-refresh.mp4": ClipSpec(gop=20, options=X264_REFRESH),
    "av1.mp4": ClipSpec(codec=Codec.AV1, gop=30),
    "av1.mkv": ClipSpec(codec=Codec.AV1, gop=30),
    "late-start.mp4": ClipSpec(start=Fraction(7, 2), b_frames=2, audio=True),
    "late-start.mkv": ClipSpec(start=Fraction(7, 2), b_frames=2),
    "index-in-front.mp4": ClipSpec(faststart=True, audio=True),
    "index-behind.mp4": ClipSpec(audio=True),
    "no-cues.mkv": ClipSpec(cues=False),
    "no-cues.webm": ClipSpec(codec=Codec.VP9, cues=False),
    "mpeg-4.avi": ClipSpec(codec=Codec.MPEG4, b_frames=2),
    "h264.avi": ClipSpec(),
    "transport.ts": ClipSpec(b_frames=2, start=Fraction(2)),
}
"""Files by the name they get: what a video may be like as far as finding a place in it goes."""


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Sample]]:
    """A clip of one kind, and its samples read in one go."""
    spec = KINDS[request.param]
    path = tmp_path_factory.mktemp("clips") / request.param
    write_clip(path, spec, at_rate(spec.frame_rate, (numbered_frame(number) for number in range(FRAMES))))
    return path, read(path)[0]


def read(path: Path, part: Part | None = None, interval_ms: int = 250) -> tuple[list[Sample], Extent | None]:
    with Video.open(path) as video:
        samples = list(video.samples(interval_ms, part or Part()))
        return samples, video.extent


def cut(length: int, count: int) -> list[Part]:
    """`count` parts as equal as possible, the last of which is open."""
    bounds = [round(number * length / count) for number in range(count)]
    return [Part(first, stop) for first, stop in itertools.zip_longest(bounds, bounds[1:])]


def assert_same(found: Sequence[Sample], expected: Sequence[Sample]) -> None:
    """The same indices, times, durations, and every pixel."""
    assert [_times(sample) for sample in found] == [_times(sample) for sample in expected]
    assert all(np.array_equal(one.image, other.image) for one, other in zip(found, expected, strict=True))


def _times(sample: Sample) -> tuple[int, int, int]:
    return sample.index, sample.start_ms, sample.duration_ms


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_parts_put_together_are_the_whole(whole: tuple[Path, list[Sample]], count: int) -> None:
    """Sample for sample and pixel for pixel, wherever the cuts lie between the key frames."""
    path, samples = whole
    read_parts = [read(path, part) for part in cut(len(samples), count)]
    assert_same([sample for part, _ in read_parts for sample in part], samples)
    extents = [extent for _, extent in read_parts]
    assert None not in extents
    for one, other in itertools.pairwise(extents):
        assert one is not None
        assert other is not None
        assert one.next_frame == other.first_frame
    assert extents[-1] is not None
    assert extents[-1].next_frame is None


@settings(max_examples=15, deadline=None)
@given(
    gaps_ms=st.lists(st.integers(min_value=1, max_value=900), min_size=2, max_size=60),
    gop=st.sampled_from([1, 3, 12, 100]),
    b_frames=st.sampled_from([0, 2]),
    suffix=st.sampled_from([".mp4", ".mkv"]),
    bounds=st.lists(st.integers(min_value=0, max_value=100), max_size=6),
    interval_ms=st.sampled_from([250, 333, 1000]),
)
def test_any_variable_frame_rate_may_be_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    gaps_ms: list[int],
    gop: int,
    b_frames: int,
    suffix: str,
    bounds: list[int],
    interval_ms: int,
) -> None:
    """Whatever the frame times, the key frames and the cuts, empty parts and ones beyond the end among them."""
    times = [Fraction(time, 1000) for time in itertools.accumulate([0, *gaps_ms[:-1]])]
    spec = ClipSpec(last_duration=Fraction(gaps_ms[-1], 1000), gop=gop, b_frames=b_frames)
    frames = ((time, numbered_frame(number)) for number, time in enumerate(times))
    path = write_clip(tmp_path_factory.mktemp("clips") / f"clip{suffix}", spec, frames)
    expected, _ = read(path, interval_ms=interval_ms)
    starts = sorted({0, *bounds})
    parts = [Part(first, stop) for first, stop in itertools.zip_longest(starts, starts[1:])]
    assert_same([sample for part in parts for sample in read(path, part, interval_ms)[0]], expected)


def test_a_part_of_a_video_cut_short_ends_where_the_whole_does(tmp_path: Path) -> None:
    """What the index promises and the data do not hold is in no part; the part that meets the end says so."""
    frames = at_rate(Fraction(25), (numbered_frame(number) for number in range(FRAMES)))
    data = write_clip(tmp_path / "clip.mp4", ClipSpec(faststart=True, gop=25), frames).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) * 6 // 10])
    expected, _ = read(path)
    parts = [read(path, part) for part in cut(64, 8)]
    assert_same([sample for part, _ in parts for sample in part], expected)
    last = next(extent for part, extent in reversed(parts) if part)
    assert last is not None
    assert last.next_frame is None


def test_a_part_reads_and_decodes_little_more_than_itself(tmp_path: Path) -> None:
    """A key frame is near: of 40 seconds, a part of 4 takes the frames from the key frame before it on."""
    frames = at_rate(Fraction(25), (numbered_frame(number) for number in range(1000)))
    path = write_clip(tmp_path / "clip.mp4", ClipSpec(gop=25), frames)
    with Video.open(path) as video:
        assert len(list(video.samples(1000, Part(20, 24)))) == 4
        assert video.frames_decoded <= 4 * 25 + 25 + 30
