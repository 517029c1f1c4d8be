"""What the benchmarks compute, and that a clip is what it claims to be."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import classic, clip, cost
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
