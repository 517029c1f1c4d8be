"""Sampling by presentation time, against clips whose every frame says which one it is."""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.clips import ClipSpec, Codec, Picture, at_rate, write_clip
from demo.numbered import numbered_frame, read_number
from screen_time.errors import ErrorCode, VideoError
from screen_time.samples import Sample
from screen_time.video import Video
from screen_time.video_limits import VideoLimits

FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)
NTSC_DOUBLE = Fraction(60000, 1001)


def sampled(path: Path, interval_ms: int = 1000) -> list[Sample]:
    with Video.open(path) as video:
        return list(video.samples(interval_ms))


def numbers(samples: Sequence[Sample]) -> list[int]:
    return [read_number(sample.image) for sample in samples]


def on_display(times: Sequence[Fraction], at: Fraction) -> int:
    """The truth: the number of the last frame whose time is not after `at`."""
    return max(number for number, time in enumerate(times) if time <= at)


def clip(path: Path, rate: Fraction, frames: int, spec: ClipSpec | None = None) -> Path:
    spec = spec or ClipSpec(frame_rate=rate)
    return write_clip(path, spec, at_rate(rate, (numbered_frame(number) for number in range(frames))))


@pytest.mark.parametrize("rate", [FILM, Fraction(25), NTSC, NTSC_DOUBLE], ids=["23.976", "25", "29.97", "59.94"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_sample_is_the_frame_on_display_at_each_whole_second(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    """No drift at rates that are no whole numbers, where counting frames goes wrong."""
    frames = round(20 * rate) + 7
    samples = sampled(clip(tmp_path / f"clip{suffix}", rate, frames))
    times = [number / rate for number in range(frames)]
    assert numbers(samples) == [on_display(times, Fraction(sample.start_ms, 1000)) for sample in samples]
    assert [sample.start_ms for sample in samples] == list(range(0, len(samples) * 1000, 1000))
    assert sum(sample.duration_ms for sample in samples) == round(frames / rate * 1000)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_containers_that_count_milliseconds_are_sampled_within_one(tmp_path: Path, suffix: str) -> None:
    """Matroska rounds times to the millisecond: the frame on display is that of the rounded times."""
    codec = Codec.VP9 if suffix == ".webm" else Codec.H264
    samples = sampled(clip(tmp_path / f"clip{suffix}", NTSC, 300, ClipSpec(codec=codec, frame_rate=NTSC)))
    times = [Fraction(round(number / NTSC * 1000), 1000) for number in range(300)]
    assert numbers(samples) == [on_display(times, Fraction(sample.start_ms, 1000)) for sample in samples]
    assert abs(sum(sample.duration_ms for sample in samples) - 10010) <= 1


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        (Codec.HEVC, ".mp4"),
        (Codec.VP9, ".webm"),
        (Codec.AV1, ".mp4"),
        (Codec.AV1, ".mkv"),
        (Codec.MPEG4, ".avi"),
        (Codec.MPEG4, ".mp4"),
        (Codec.H264, ".avi"),
    ],
)
def test_ordinary_codecs_and_containers_are_sampled(tmp_path: Path, codec: Codec, suffix: str) -> None:
    """Every combination that people have gives one sample a second."""
    path = clip(tmp_path / f"clip{suffix}", Fraction(25), 85, ClipSpec(codec=codec))
    samples = sampled(path)
    assert numbers(samples) == [0, 25, 50, 75]
    assert [sample.duration_ms for sample in samples] == [1000, 1000, 1000, 400]


@pytest.mark.parametrize(("codec", "suffix"), [(Codec.H264, ".mp4"), (Codec.H264, ".mkv"), (Codec.MPEG4, ".avi")])
def test_b_frames_are_put_in_order_of_presentation(tmp_path: Path, codec: Codec, suffix: str) -> None:
    """Frames are stored in another order than they are shown."""
    path = clip(tmp_path / f"clip{suffix}", Fraction(25), 110, ClipSpec(codec=codec, b_frames=3))
    assert numbers(sampled(path)) == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_time_zero_is_the_first_frame_wherever_the_file_starts_counting(tmp_path: Path, suffix: str) -> None:
    """A start time other than 0 moves no sample and adds no second."""
    path = clip(tmp_path / f"clip{suffix}", Fraction(25), 60, ClipSpec(start=Fraction(7, 2)))
    samples = sampled(path)
    assert numbers(samples) == [0, 25, 50]
    assert sum(sample.duration_ms for sample in samples) == 2400


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_are_upright_whatever_the_rotation_metadata(tmp_path: Path, rotation: int) -> None:
    """A number can only be read upright, and the size told is the one displayed."""
    path = clip(tmp_path / "clip.mp4", Fraction(25), 30, ClipSpec(rotation=rotation))
    stored = sampled(clip(tmp_path / "plain.mp4", Fraction(25), 1))[0].image
    with Video.open(path) as video:
        samples = list(video.samples())
        turned = stored if rotation == 0 else _turned(stored, rotation)
        assert samples[0].image.shape == turned.shape
        assert (video.info.height, video.info.width) == turned.shape[:2]
        assert abs(samples[0].image.astype(int) - turned.astype(int)).mean() < 8


def _turned(image: Picture, clockwise: int) -> Picture:
    import numpy as np

    return np.rot90(image, k=-clockwise // 90)


def test_a_gap_between_two_frames_is_filled_with_the_frame_on_display(tmp_path: Path) -> None:
    """Slides and screen recordings hold one frame for many seconds."""
    times = [Fraction(0), Fraction(1, 2), Fraction(6), Fraction(61, 10)]
    frames = ((time, numbered_frame(number)) for number, time in enumerate(times))
    samples = sampled(write_clip(tmp_path / "clip.mp4", ClipSpec(last_duration=Fraction(2, 5)), frames))
    assert numbers(samples) == [0, 1, 1, 1, 1, 1, 2]
    assert sum(sample.duration_ms for sample in samples) == 6500


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps_ms=st.lists(st.integers(min_value=1, max_value=900), min_size=1, max_size=60),
    interval_ms=st.sampled_from([250, 333, 1000, 2000]),
)
def test_any_variable_frame_rate_is_sampled_by_presentation_time(
    tmp_path: Path, gaps_ms: list[int], interval_ms: int
) -> None:
    """Whatever the frame times and the interval: the frame on display, and durations that add up."""
    times = [Fraction(time, 1000) for time in itertools.accumulate([0, *gaps_ms[:-1]])]
    spec = ClipSpec(last_duration=Fraction(gaps_ms[-1], 1000))
    frames = ((time, numbered_frame(number)) for number, time in enumerate(times))
    samples = sampled(write_clip(tmp_path / "clip.mp4", spec, frames), interval_ms)
    assert numbers(samples) == [on_display(times, Fraction(sample.start_ms, 1000)) for sample in samples]
    assert sum(sample.duration_ms for sample in samples) == sum(gaps_ms)
    assert all(sample.duration_ms == interval_ms for sample in samples[:-1])
    assert 0 < samples[-1].duration_ms <= interval_ms


@pytest.mark.slow
def test_the_seconds_of_a_two_hour_29_97_fps_clip_are_right_to_the_sample(tmp_path: Path) -> None:
    """Counting 29 frames a second would find 241 seconds too many."""
    frames = round(7200 * NTSC)

    def pictures() -> Iterator[Picture]:
        """A new number each second, so that the encoder has little to do in between."""
        return (numbered_frame(int(number / NTSC)) for number in range(frames))

    path = write_clip(tmp_path / "long.mp4", ClipSpec(frame_rate=NTSC, gop=300), at_rate(NTSC, pictures()))
    with Video.open(path) as video:
        expected = [int(on_time(second) / NTSC) for second in range(7200)]
        found, total_ms = [], 0
        for sample in video.samples():
            found.append(read_number(sample.image))
            total_ms += sample.duration_ms
    assert total_ms == round(frames / NTSC * 1000)
    assert found[:7200] == expected


def on_time(second: int) -> int:
    """The number of the last 29.97 fps frame at or before a second."""
    return int(second * NTSC)


def test_one_frame_is_a_video_of_one_sample(tmp_path: Path) -> None:
    """No division by a duration of nothing."""
    samples = sampled(clip(tmp_path / "clip.mp4", Fraction(25), 1))
    assert [(sample.start_ms, sample.duration_ms) for sample in samples] == [(0, 40)]


def test_anamorphic_pixels_are_made_square(tmp_path: Path) -> None:
    """A 4:3 picture stored in fewer columns is displayed wide."""
    path = clip(tmp_path / "clip.mp4", Fraction(25), 2, ClipSpec(sample_aspect_ratio=Fraction(4, 3)))
    with Video.open(path) as video:
        assert (video.info.width, video.info.height) == (85, 48)


@pytest.mark.parametrize("pixel_format", ["yuv444p", "gray", "yuv420p10le"])
def test_other_pixel_formats_become_eight_bit_rgb(tmp_path: Path, pixel_format: str) -> None:
    """What the model sees is always uint8 RGB."""
    codec = Codec.HEVC if pixel_format == "yuv420p10le" else Codec.H264
    path = clip(tmp_path / "clip.mp4", Fraction(25), 30, ClipSpec(codec=codec, pixel_format=pixel_format))
    samples = sampled(path)
    assert samples[0].image.dtype.name == "uint8"
    assert numbers(samples) == [0, 25]


def test_sound_beside_the_video_changes_nothing(tmp_path: Path) -> None:
    """An audio stream that is longer or starts earlier is no part of the video's time."""
    path = clip(tmp_path / "clip.mp4", Fraction(25), 60, ClipSpec(audio=True))
    assert sum(sample.duration_ms for sample in sampled(path)) == 2400


def test_the_index_may_stand_in_front_or_behind(tmp_path: Path) -> None:
    """The position of the moov atom is no difference."""
    behind = sampled(clip(tmp_path / "behind.mp4", Fraction(25), 60))
    in_front = sampled(clip(tmp_path / "front.mp4", Fraction(25), 60, ClipSpec(faststart=True)))
    assert numbers(behind) == numbers(in_front)


def refusal(source: Path, limits: VideoLimits | None = None) -> ErrorCode:
    with pytest.raises(VideoError) as caught, Video.open(source, limits) as video:
        list(video.samples())
    return caught.value.code


def test_what_is_no_video_is_refused_with_its_code(tmp_path: Path) -> None:
    """Text, an empty file and a playlist that points elsewhere are no videos."""
    for name, content in {
        "text.mp4": b"hello, I am a text",
        "empty.mp4": b"",
        "playlist.mp4": b"#EXTM3U\n#EXTINF:10,\nfile:///proc/self/environ\n#EXT-X-ENDLIST\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert refusal(tmp_path / name) is ErrorCode.NOT_A_VIDEO, name


def test_a_video_without_its_index_is_refused(tmp_path: Path) -> None:
    """An mp4 whose moov atom was cut off holds nothing that can be found."""
    whole = clip(tmp_path / "clip.mp4", Fraction(25), 60).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "cut.mp4") is ErrorCode.NOT_A_VIDEO


def test_a_video_cut_short_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    """The index in front promises more than there is, and the result says so."""
    whole = clip(tmp_path / "clip.mp4", Fraction(25), 250, ClipSpec(faststart=True, gop=25)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    with Video.open(tmp_path / "cut.mp4") as video:
        samples = list(video.samples())
        assert 2 <= len(samples) < 10
        assert video.truncated


def test_videos_beyond_the_limits_are_refused(tmp_path: Path) -> None:
    """Both limits hold, whatever the file claims."""
    path = clip(tmp_path / "clip.mp4", Fraction(25), 60)
    assert refusal(path, VideoLimits(seconds=2)) is ErrorCode.TOO_LONG
    assert refusal(path, VideoLimits(pixels=64 * 48 - 1)) is ErrorCode.TOO_MANY_PIXELS
    assert len(sampled(path)) == 3


def test_more_frames_than_the_limit_are_not_read(tmp_path: Path) -> None:
    """Where the container does not say how many there are, they are counted while they are read."""
    path = clip(tmp_path / "clip.ts", Fraction(25), 60)
    assert refusal(path, VideoLimits(frames=59)) is ErrorCode.TOO_MANY_FRAMES
    assert len(sampled(path)) == 3


def test_a_picture_that_is_too_large_only_as_displayed_is_refused(tmp_path: Path) -> None:
    """Anamorphic pixels are made square, which takes memory too."""
    path = clip(tmp_path / "clip.mp4", Fraction(25), 2, ClipSpec(sample_aspect_ratio=Fraction(2)))
    assert refusal(path, VideoLimits(pixels=64 * 48)) is ErrorCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_short_video_that_was_cut_says_so(tmp_path: Path, suffix: str) -> None:
    """Less than a second is missing, which is a third of it."""
    spec = ClipSpec(gop=5, faststart=suffix == ".mp4")
    whole = clip(tmp_path / f"clip{suffix}", Fraction(25), 75, spec).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 8 // 10])
    with Video.open(tmp_path / "cut") as video:
        assert sum(sample.duration_ms for sample in video.samples()) < 2500
        assert video.truncated


def test_a_recording_that_starts_a_day_in_is_as_long_as_it_is(tmp_path: Path) -> None:
    """Matroska's tag says when the last frame ends, which is no length."""
    path = clip(tmp_path / "clip.mkv", Fraction(25), 75, ClipSpec(start=Fraction(86_400)))
    with Video.open(path, VideoLimits(seconds=60)) as video:
        assert sum(sample.duration_ms for sample in video.samples()) == 3000
        assert not video.truncated
