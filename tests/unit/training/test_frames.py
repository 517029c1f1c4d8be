"""`screen-time frames`: pictures whose names say their second, and a label file that is never overwritten."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.clips import ClipSpec, at_rate, write_clip
from demo.numbered import numbered_frame, read_number
from training.errors import LabelError, TrainingError
from training.frames import write_frames


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds at 4 frames a second; every frame shows its number."""
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    return write_clip(path, ClipSpec(), at_rate(Fraction(4), (numbered_frame(index) for index in range(20))))


def number(path: Path) -> int:
    """The number that a written frame shows."""
    return read_number(np.asarray(cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB), dtype=np.uint8))


def test_a_frame_a_second_and_a_file_to_fill_in(video: Path, tmp_path: Path) -> None:
    """frameN.jpg is second N."""
    written = write_frames(video, tmp_path / "out")
    assert written.count == 5
    assert [number(tmp_path / "out" / f"frame{second}.jpg") for second in range(5)] == [0, 4, 8, 12, 16]
    assert written.labels.read_text().splitlines()[:2] == ["Image_ID,Class", "frame0.jpg,"]


@pytest.mark.parametrize(
    ("every", "names", "numbers"),
    [(2.0, ["frame0.jpg", "frame2.jpg", "frame4.jpg"], [0, 8, 16]), (2.5, ["frame0.jpg", "frame2.5.jpg"], [0, 10])],
)
def test_names_say_the_second_whatever_the_interval(
    video: Path, tmp_path: Path, every: float, names: list[str], numbers: list[int]
) -> None:
    """Labels stay right when somebody later samples more densely."""
    write_frames(video, tmp_path, every)
    assert {path.name for path in tmp_path.glob("*.jpg")} == set(names)
    assert [number(tmp_path / name) for name in names] == numbers


def test_a_filled_label_file_is_never_overwritten(video: Path, tmp_path: Path) -> None:
    """Somebody's afternoon is in it; no frame is written either."""
    labels = tmp_path / "labels.csv"
    labels.write_text("Image_ID,Class\nframe0.jpg,tom\n")
    with pytest.raises(LabelError, match="filled in already"):
        write_frames(video, tmp_path)
    assert labels.read_text() == "Image_ID,Class\nframe0.jpg,tom\n"
    assert not list(tmp_path.glob("*.jpg"))


def test_an_empty_label_file_is_written_anew(video: Path, tmp_path: Path) -> None:
    """Running it twice is no mistake."""
    write_frames(video, tmp_path, 2.0)
    assert write_frames(video, tmp_path).count == 5
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 6


def test_too_short_an_interval_is_refused(video: Path, tmp_path: Path) -> None:
    """0 would never end."""
    with pytest.raises(TrainingError, match="too often"):
        write_frames(video, tmp_path, 0)
