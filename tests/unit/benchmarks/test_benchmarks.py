"""What the benchmarks compute, and that a clip is what it claims to be."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks import agreement, classic, clip, cost
from demo.clips import ClipSpec, at_rate, write_clip
from demo.numbered import numbered_frame
from screen_time.video import Video


def test_an_hour_costs_what_its_processor_seconds_cost() -> None:
    """A processor that is busy for a tenth of the time: 360 s of 1,769 MB, and a request."""
    assert cost.cents_an_hour(cpu_seconds=10, video_seconds=100) == pytest.approx(
        100 * (360 * 1769 / 1024 * 0.0000166667 + 0.0000002)
    )


def test_a_clip_has_the_length_and_size_of_its_kind(tmp_path: Path) -> None:
    """Of the project's own cartoon, made once."""
    path = clip.make(clip.Kind(3, 180), None, tmp_path)
    with Video.open(path) as video:
        assert (video.info.height, video.info.width) == (180, 320)
        assert sum(sample.duration_ms for sample in video.samples()) == 3000
    changed = path.stat().st_mtime_ns
    assert clip.make(clip.Kind(3, 180), None, tmp_path).stat().st_mtime_ns == changed


def test_the_classic_writes_a_frame_each_second_by_counting(tmp_path: Path) -> None:
    """At a whole frame rate, where counting is right."""
    path = clip.make(clip.Kind(3, 180), None, tmp_path)
    assert classic.write_frames(str(path), tmp_path) == 3
    assert (tmp_path / "frame2.jpg").exists()


def test_the_classic_s_resize_keeps_a_flat_picture_flat() -> None:
    """Size and values as scikit-image gives them."""
    image = np.full((72, 128, 3), 200, dtype=np.uint8)
    resized = classic.resize(image)
    assert resized.shape == (224, 224, 3)
    assert np.allclose(resized, 200)


@pytest.mark.parametrize("seconds", [Fraction(4), Fraction(77, 25)], ids=["whole seconds", "and two frames"])
def test_the_slow_path_has_the_samples_of_the_fast_one(tmp_path: Path, seconds: Fraction) -> None:
    """To the bit, with every frame decoded; frames are reordered, and their times do not begin at 0."""
    spec = ClipSpec(start=Fraction(3, 10), b_frames=2)
    frames = at_rate(spec.frame_rate, (numbered_frame(number) for number in range(int(seconds * spec.frame_rate))))
    path = write_clip(tmp_path / "numbered.mp4", spec, frames)
    with Video.open(path) as video:
        fast = [sample.image for sample in video.samples()]
    slow = list(agreement.each_second(path))
    assert len(slow) == len(fast)
    assert all(np.array_equal(one, other) for one, other in zip(slow, fast, strict=True))
