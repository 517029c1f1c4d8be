"""Leaving out frames that no other refers to: fewer are decoded, and no sample is another one for it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.clips import ClipSpec, Codec, at_rate, write_clip
from demo.numbered import numbered_frame
from screen_time import video
from screen_time.needed_frames import Grid, Needed
from screen_time.samples import WHOLE_VIDEO, Extent, Part
from screen_time.video import Video


@dataclass(frozen=True)
class Packet:
    pts: int | None
    dts: int | None


def judged(packets: list[Packet], grid: Grid) -> list[tuple[Packet | None, bool]]:
    needed = Needed()
    needed.grid = grid
    return list(needed.judge([*packets, None]))


@given(
    gaps=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    order=st.lists(st.integers(0, 3), min_size=60, max_size=60),
    interval=st.fractions(min_value=1, max_value=100, max_denominator=7),
    origin=st.integers(-5, 50),
)
def test_the_last_frame_before_each_instant_is_needed_and_no_other(
    gaps: list[int], order: list[int], interval: Fraction, origin: int
) -> None:
    """Whatever the frame times and the reordering; packets keep their order, and the last frame ends the video."""
    shown = [origin + sum(gaps[:number]) for number in range(len(gaps) + 1)]
    decoded = sorted(shown, key=lambda time: shown.index(time) + order[shown.index(time) % 60])
    delay = max(shown) - min(shown)
    packets = [Packet(pts, sorted(shown)[number] - delay) for number, pts in enumerate(decoded)]
    found = judged(packets, Grid(origin, interval))
    assert [packet for packet, _ in found] == [*packets, None]
    instants = [origin + number * interval for number in range(int((shown[-1] - origin) / interval) + 1)]
    samples = {max(time for time in shown if time <= instant) for instant in instants} | {shown[-1]}
    needed = {packet.pts for packet, is_needed in found if packet is not None and is_needed}
    assert samples <= needed
    held_back_no_longer_than_allowed = len(packets) <= 64
    assert not held_back_no_longer_than_allowed or needed == samples


@pytest.mark.parametrize(
    "odd", [Packet(None, 5), Packet(3, 4), Packet(9, 1)], ids=["no pts", "pts before dts", "dts backwards"]
)
def test_from_times_that_cannot_be_relied_on_everything_is_needed(odd: Packet) -> None:
    """A damaged or odd file is decoded whole."""
    packets = [Packet(2, 2), Packet(3, 3), odd, *(Packet(time, time) for time in range(10, 20))]
    found = judged(packets, Grid(0, Fraction(100)))
    assert [packet for packet, _ in found] == [*packets, None]
    assert all(is_needed for packet, is_needed in found[2:])


def read(path: Path, interval_ms: int, part: Part) -> tuple[list[tuple[int, int, int, bytes]], Extent | None, int]:
    with Video.open(path) as opened:
        samples = [
            (sample.index, sample.start_ms, sample.duration_ms, sample.image.tobytes())
            for sample in opened.samples(interval_ms, part)
        ]
        return samples, opened.extent, opened.frames_decoded


@pytest.mark.parametrize("part", [WHOLE_VIDEO, Part(3, 6)], ids=["whole", "part"])
@pytest.mark.parametrize("interval_ms", [1000, 333])
@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("clip.mp4", ClipSpec(b_frames=3, options=(("preset", "veryfast"),))),
        ("clip.mkv", ClipSpec(b_frames=2, frame_rate=Fraction(24000, 1001))),
        ("short-groups.mp4", ClipSpec(b_frames=3, gop=20, start=Fraction(3, 2))),
        ("clip.mp4", ClipSpec(codec=Codec.MPEG4, b_frames=2)),
        ("clip.avi", ClipSpec(codec=Codec.MPEG4, b_frames=2)),
        ("clip.mp4", ClipSpec(codec=Codec.HEVC, b_frames=3)),
        ("clip.webm", ClipSpec(codec=Codec.VP9)),
    ],
    ids=["h264", "mkv", "short groups", "mpeg4", "avi", "hevc", "vp9"],
)
def test_samples_are_the_same_to_the_bit_as_when_every_frame_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, spec: ClipSpec, interval_ms: int, part: Part
) -> None:
    """Pictures, times, durations and where a part ends; with B-frames in fewer decoded frames."""
    frames = at_rate(spec.frame_rate, (numbered_frame(number) for number in range(211)))
    path = write_clip(tmp_path / name, spec, frames)
    found = read(path, interval_ms, part)
    monkeypatch.setattr(video, "DISPENSABLE", frozenset())
    whole = read(path, interval_ms, part)
    assert found[:2] == whole[:2]
    if spec.b_frames and spec.codec is not Codec.HEVC and name.endswith(("mp4", "mkv")) and interval_ms == 1000:
        assert found[2] < 0.8 * whole[2]
    else:
        assert found[2] <= whole[2]
