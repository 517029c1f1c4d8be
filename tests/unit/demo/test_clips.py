"""Clips are what their spec says, as plain PyAV decodes them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from demo.clips import ClipSpec, Codec, Picture, at_rate, write_clip
from demo.numbered import numbered_frame, read_number

COUNT = 50
RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(12)]
CONTAINERS = {
    Codec.H264: ("mp4", "mov", "mkv", "avi", "ts"),
    Codec.HEVC: ("mp4", "mov", "mkv"),
    Codec.VP9: ("webm", "mkv", "mp4"),
    Codec.AV1: ("mp4", "webm", "mkv"),
    Codec.MPEG4: ("avi", "mp4", "mov", "mkv"),
}
DECODED = {Codec.H264: "h264", Codec.HEVC: "hevc", Codec.VP9: "vp9", Codec.AV1: "av1", Codec.MPEG4: "mpeg4"}


@dataclass
class Decoded:
    """What plain PyAV says of a file."""

    codec: str
    numbers: list[int]
    times: list[Fraction]
    rotation: int
    rate: Fraction | None
    seconds: Fraction
    pixel_format: str
    types: set[int]


def numbered(count: int = COUNT) -> Iterator[Picture]:
    return (numbered_frame(index) for index in range(count))


def pixels(frame: av.VideoFrame) -> Picture:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def decode(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return Decoded(
            codec=stream.codec_context.codec.canonical_name,
            numbers=[read_number(pixels(frame)) for frame in frames],
            times=[frame.pts * frame.time_base for frame in frames if frame.pts is not None and frame.time_base],
            rotation=frames[0].rotation,
            rate=stream.average_rate,
            seconds=Fraction(container.duration or 0, 1_000_000),
            pixel_format=frames[0].format.name,
            types={frame.pict_type for frame in frames},
        )


def round_trip(path: Path, spec: ClipSpec, times: list[Fraction] | None = None) -> Decoded:
    frames = at_rate(spec.frame_rate, numbered()) if times is None else zip(times, numbered(len(times)), strict=True)
    return decode(write_clip(path, spec, frames))


@pytest.mark.parametrize("codec", Codec)
def test_no_encoder_changes_how_what_comes_after_it_is_scheduled(tmp_path: Path, codec: Codec) -> None:
    """SVT-AV1 would leave a real-time process, whose children are too; only root may have one."""
    before = os.sched_getscheduler(0)
    write_clip(tmp_path / "clip.mp4", ClipSpec(codec=codec), at_rate(Fraction(25), map(numbered_frame, range(3))))
    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize(
    ("codec", "suffix"), [(codec, suffix) for codec, suffixes in CONTAINERS.items() for suffix in suffixes]
)
def test_every_frame_survives_each_codec_and_container(tmp_path: Path, codec: Codec, suffix: str) -> None:
    """Nothing is lost, doubled, or out of order, and the file holds the codec that was asked for."""
    decoded = round_trip(tmp_path / f"clip.{suffix}", ClipSpec(codec=codec))
    assert decoded.codec == DECODED[codec]
    assert decoded.numbers == list(range(COUNT))


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_frame_times_are_exact_in_mp4(tmp_path: Path, rate: Fraction, b_frames: int) -> None:
    """Frame k is displayed at k / rate, with and without reordering."""
    decoded = round_trip(tmp_path / "clip.mp4", ClipSpec(frame_rate=rate, b_frames=b_frames))
    assert decoded.times == [index / rate for index in range(COUNT)]
    assert decoded.rate == rate
    assert abs(decoded.seconds - COUNT / rate) <= Fraction(1, 1_000_000)
    assert (PictureType.B in decoded.types) == bool(b_frames)


@pytest.mark.parametrize(("codec", "suffix"), [(Codec.H264, "mkv"), (Codec.VP9, "webm")])
def test_frame_times_are_right_to_the_millisecond_in_matroska(tmp_path: Path, codec: Codec, suffix: str) -> None:
    """Matroska counts milliseconds."""
    rate = Fraction(30000, 1001)
    decoded = round_trip(tmp_path / f"clip.{suffix}", ClipSpec(codec=codec, frame_rate=rate))
    errors = [abs(time - index / rate) for index, time in enumerate(decoded.times)]
    assert max(errors) <= Fraction(1, 1000)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_variable_frame_rate_keeps_each_time_and_the_last_frames_stay(
    tmp_path: Path, suffix: str, b_frames: int
) -> None:
    """Explicit times come back; the file ends when its last frame does."""
    times = [Fraction(index * 40 + (index * index) % 37, 1000) + 2 * (index > 20) for index in range(COUNT)]
    spec = ClipSpec(last_duration=Fraction(3, 2), b_frames=b_frames)
    decoded = round_trip(tmp_path / f"clip.{suffix}", spec, times)
    assert decoded.times == times
    assert decoded.numbers == list(range(COUNT))
    assert decoded.seconds == times[-1] + Fraction(3, 2)


@pytest.mark.parametrize(
    ("suffix", "codec", "b_frames"),
    [
        ("mp4", Codec.H264, 2),
        ("mov", Codec.HEVC, 0),
        ("mkv", Codec.H264, 0),
        ("webm", Codec.VP9, 0),
        ("ts", Codec.H264, 2),
    ],
)
def test_a_clip_may_start_late(tmp_path: Path, suffix: str, codec: Codec, b_frames: int) -> None:
    """The first frame's time is the start, and all others follow from there."""
    spec = ClipSpec(codec=codec, start=Fraction(7, 2), b_frames=b_frames)
    decoded = round_trip(tmp_path / f"clip.{suffix}", spec)
    assert decoded.times == [Fraction(7, 2) + Fraction(index, 25) for index in range(COUNT)]


def test_a_start_need_not_be_whole_milliseconds(tmp_path: Path) -> None:
    """An mp4's edit list is written finely enough."""
    assert round_trip(tmp_path / "clip.mp4", ClipSpec(start=Fraction(1, 3))).times[0] == Fraction(1, 3)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_what_a_player_has_to_turn(tmp_path: Path, suffix: str, rotation: int) -> None:
    """Clockwise in the spec; FFmpeg counts the other way round, -180 … 180."""
    path = write_clip(
        tmp_path / f"clip.{suffix}",
        ClipSpec(rotation=rotation),
        at_rate(Fraction(25), (np.rot90(numbered_frame(index), rotation // 90) for index in range(5))),
    )
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            assert frame.rotation % 360 == -rotation % 360
            # np.rot90 turns counter-clockwise, as FFmpeg's angle does.
            upright = np.rot90(pixels(frame), frame.rotation // 90)
            assert read_number(upright) == index


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le", "gray"])
def test_pixel_formats_are_kept(tmp_path: Path, pixel_format: str) -> None:
    """HEVC tells all of them apart."""
    decoded = round_trip(tmp_path / "clip.mp4", ClipSpec(codec=Codec.HEVC, pixel_format=pixel_format))
    assert decoded.pixel_format == pixel_format
    assert decoded.numbers == list(range(COUNT))


def test_colours_stay_what_they_are(tmp_path: Path) -> None:
    """RGB goes in as RGB."""
    colour = (200, 40, 120)
    picture = np.full((48, 64, 3), colour, dtype=np.uint8)
    path = write_clip(tmp_path / "clip.mp4", ClipSpec(), at_rate(Fraction(25), [picture] * 3))
    with av.open(str(path)) as container:
        frame = pixels(next(container.decode(video=0)))
    assert np.abs(frame.astype(int) - colour).max() < 8


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", Codec.H264), ("mkv", Codec.HEVC), ("webm", Codec.VP9), ("avi", Codec.MPEG4)]
)
def test_sound_runs_beside_the_pictures(tmp_path: Path, suffix: str, codec: Codec) -> None:
    """As long as the pictures, and without a change to them."""
    path = tmp_path / f"clip.{suffix}"
    decoded = round_trip(path, ClipSpec(codec=codec, audio=True))
    assert decoded.times == [Fraction(index, 25) for index in range(COUNT)]
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 48_000 == pytest.approx(COUNT / 25, abs=0.15)


def test_gop_is_the_distance_of_key_frames(tmp_path: Path) -> None:
    """Seeking depends on it."""
    path = write_clip(tmp_path / "clip.mp4", ClipSpec(gop=10), at_rate(Fraction(25), numbered()))
    with av.open(str(path)) as container:
        keys = [index for index, packet in enumerate(container.demux(video=0)) if packet.is_keyframe]
    assert keys == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("faststart", [True, False])
def test_faststart_puts_the_index_in_front(tmp_path: Path, *, faststart: bool) -> None:
    """Otherwise it stands behind the data, where a reader has to seek to it."""
    path = write_clip(tmp_path / "clip.mp4", ClipSpec(faststart=faststart), at_rate(Fraction(25), numbered()))
    data = path.read_bytes()
    assert (data.index(b"moov") < data.index(b"mdat")) == faststart


def test_sample_aspect_ratio_is_kept(tmp_path: Path) -> None:
    """Pixels need not be square."""
    spec = ClipSpec(sample_aspect_ratio=Fraction(4, 3))
    path = write_clip(tmp_path / "clip.mp4", spec, at_rate(Fraction(25), numbered(3)))
    with av.open(str(path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize(
    ("suffix", "spec"),
    [
        ("avi", ClipSpec(start=Fraction(1))),
        ("avi", ClipSpec(b_frames=2)),
        ("mkv", ClipSpec(faststart=True)),
    ],
)
def test_what_a_container_cannot_hold_is_refused(tmp_path: Path, suffix: str, spec: ClipSpec) -> None:
    """No clip silently differs from its spec."""
    with pytest.raises(ValueError, match=r"avi|mkv"):
        write_clip(tmp_path / f"clip.{suffix}", spec, at_rate(Fraction(25), numbered(3)))


def test_times_must_ascend(tmp_path: Path) -> None:
    """Two frames at one time would be one frame."""
    frames = [(Fraction(0), numbered_frame(0)), (Fraction(0), numbered_frame(1))]
    with pytest.raises(ValueError, match="ascend"):
        write_clip(tmp_path / "clip.mp4", ClipSpec(), frames)


def test_no_frames_are_no_clip(tmp_path: Path) -> None:
    """And leave no file."""
    with pytest.raises(ValueError, match="at least one frame"):
        write_clip(tmp_path / "clip.mp4", ClipSpec(), [])
    assert not (tmp_path / "clip.mp4").exists()
