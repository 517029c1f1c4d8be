"""Labelled videos and folders become frames, targets and times."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.clips import ClipSpec, at_rate, write_clip
from demo.numbered import numbered_frame, read_number
from screen_time.manifest import Fit, InputSpec
from training.dataset import LabelledVideo, read_dataset
from training.errors import LabelError

SPEC = InputSpec(48, 64, Fit.SQUEEZE)
SECONDS = 12


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds at 4 frames a second; every frame shows its number."""
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    return write_clip(path, ClipSpec(), at_rate(Fraction(4), (numbered_frame(index) for index in range(4 * SECONDS))))


def write_labels(path: Path, rows: Sequence[str], header: str = "Image_ID,Class") -> Path:
    """A label file of `rows`."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def alternating(times: Sequence[str]) -> list[str]:
    """Rows that say tom and jerry in turns."""
    return [f"frame{time}.jpg,{'tom' if index % 2 else 'jerry'}" for index, time in enumerate(times)]


def test_second_n_is_the_frame_on_display_at_second_n(video: Path, tmp_path: Path) -> None:
    """Labelled second 7 is learned from with the picture of second 7, whatever else is labelled."""
    labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(1, SECONDS)]))
    dataset = read_dataset([LabelledVideo(video, labels)], [SPEC])
    numbers = [read_number(frame) for frame in dataset.frames[SPEC]]
    assert numbers == [4 * second for second in range(1, SECONDS)]
    assert dataset.targets.tolist() == [[1, 0] if second % 2 else [0, 1] for second in range(1, SECONDS)]
    assert [example.time_ms for example in dataset.examples] == [1000 * second for second in range(1, SECONDS)]


def test_half_seconds_are_sampled_where_labels_name_them(video: Path, tmp_path: Path) -> None:
    """frame2.5.jpg is the picture half a second after frame2.jpg, and stands for half a second."""
    times = [f"{half / 2:g}" for half in range(2 * SECONDS)]
    dataset = read_dataset([LabelledVideo(video, write_labels(tmp_path / "l.csv", alternating(times)))], [SPEC])
    assert [read_number(frame) for frame in dataset.frames[SPEC]] == list(range(0, 4 * SECONDS, 2))
    assert set(dataset.durations_ms[:-1].tolist()) == {500}


def test_each_input_gets_its_own_prepared_frames(video: Path, tmp_path: Path) -> None:
    """One reading serves heads of different input sizes."""
    other = InputSpec(32, 32, Fit.PAD)
    labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS)]))
    dataset = read_dataset([LabelledVideo(video, labels)], [SPEC, other])
    assert dataset.frames[SPEC].shape == (SECONDS, 48, 64, 3)
    assert dataset.frames[other].shape == (SECONDS, 32, 32, 3)


def test_uncertain_frames_are_left_out(video: Path, tmp_path: Path) -> None:
    """They are neither learned from nor tested on."""
    rows = [f"frame{second}.jpg,{second % 2},{int(second == 3)}" for second in range(SECONDS)]
    labels = write_labels(tmp_path / "l.csv", rows, "Image_ID,tom,uncertain")
    dataset = read_dataset([LabelledVideo(video, labels)], [SPEC])
    assert [example.time_ms // 1000 for example in dataset.examples] == [0, 1, 2, *range(4, SECONDS)]


def test_a_label_beyond_the_end_is_refused(video: Path, tmp_path: Path) -> None:
    """It belongs to another video, or to another cut of this one."""
    labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS + 2)]))
    with pytest.raises(LabelError, match=r"labels second 12, but .*numbers.mp4 ends after 11.[0-9]+ seconds"):
        read_dataset([LabelledVideo(video, labels)], [SPEC])


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    """Before anything else is tried."""
    labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS)]))
    with pytest.raises(LabelError, match=r"There is no video .*gone.mp4"):
        read_dataset([LabelledVideo(tmp_path / "gone.mp4", labels)], [SPEC])


class TestFolders:
    """A folder of frames in place of a video."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """frame0.png … frame11.png, each in a grey of its own."""
        folder = tmp_path / "frames"
        folder.mkdir()
        for second in range(SECONDS):
            cv2.imwrite(str(folder / f"frame{second}.png"), np.full((48, 64, 3), (second, 100, 200), dtype=np.uint8))
        return folder

    def test_frames_are_found_by_their_names_and_are_rgb(self, folder: Path, tmp_path: Path) -> None:
        """In the order of their seconds, not of their names."""
        labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS)]))
        dataset = read_dataset([LabelledVideo(folder, labels)], [SPEC])
        assert [frame[0, 0].tolist() for frame in dataset.frames[SPEC]] == [
            [200, 100, second] for second in range(SECONDS)
        ]

    def test_a_labelled_frame_that_is_missing_is_named(self, folder: Path, tmp_path: Path) -> None:
        """Not passed over silently."""
        (folder / "frame4.png").unlink()
        labels = write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS)]))
        with pytest.raises(LabelError, match="Second 4 is labelled"):
            read_dataset([LabelledVideo(folder, labels)], [SPEC])

    def test_a_folder_s_digest_follows_its_frames(self, folder: Path, tmp_path: Path) -> None:
        """Another picture is other data."""
        pair = LabelledVideo(
            folder, write_labels(tmp_path / "l.csv", alternating([str(second) for second in range(SECONDS)]))
        )
        before = read_dataset([pair], [SPEC]).sources[0]
        cv2.imwrite(str(folder / "frame4.png"), np.zeros((48, 64, 3), dtype=np.uint8))
        after = read_dataset([pair], [SPEC]).sources[0]
        assert before.labels_sha256 == after.labels_sha256
        assert before.video_sha256 != after.video_sha256
