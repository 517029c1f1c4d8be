"""Which frames are labelled, and what a model suggests for them."""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from demo.clips import ClipSpec, write_clip
from labelling.job import Job, JobOptions, open_job
from screen_time.manifest import Semantics
from tests.models import write_colour_model
from training.errors import LabelError
from training.frames import write_frames
from training.registry import ResolvedModel, resolve
from training.reporting import Silent

SECONDS = 6
CLASSES = JobOptions(("nobody", "red", "green"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, red and green by turns, five frames a second."""
    rate = Fraction(5)
    colours = [(200, 0, 0), (0, 200, 0)]
    frames = (
        (Fraction(number) / rate, np.full((48, 64, 3), colours[number // 5 % 2], dtype=np.uint8))
        for number in range(SECONDS * 5)
    )
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", ClipSpec(frame_rate=rate), frames)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path / "cache"))


def opened(video: Path, labels: Path, options: JobOptions = CLASSES, model: ResolvedModel | None = None) -> Job:
    return open_job(video, labels, options, model, Silent())


def colours(folder: Path, *labels: str, semantics: Semantics = Semantics.EXCLUSIVE) -> ResolvedModel:
    write_colour_model(folder, labels, semantics)
    return resolve(str(folder))


class TestFrames:
    """Of a video, or a folder."""

    def test_a_new_file_gets_a_frame_a_second(self, clip: Path, tmp_path: Path) -> None:
        """Or as often as asked."""
        assert list(opened(clip, tmp_path / "a.csv").frames) == [1000 * second for second in range(SECONDS)]
        halves = JobOptions(CLASSES.classes, interval_ms=500)
        assert len(opened(clip, tmp_path / "b.csv", halves).frames) == 2 * SECONDS

    def test_a_file_that_lists_frames_is_filled_in(self, clip: Path, tmp_path: Path) -> None:
        """`screen-time frames --every 2.5` wrote it; an interval asks for the others too."""
        labels = tmp_path / "labels.csv"
        labels.write_text("Image_ID,Class\nframe0.jpg,\nframe2.5.jpg,\nframe5.jpg,\n")
        assert list(opened(clip, labels).frames) == [0, 2500, 5000]
        assert len(opened(clip, labels, JobOptions(CLASSES.classes, interval_ms=1000)).frames) == SECONDS

    def test_frames_are_taken_out_of_a_video_once(self, clip: Path, tmp_path: Path) -> None:
        """Going on is quick; a cache that was not finished is made anew."""
        first = opened(clip, tmp_path / "labels.csv").frames[0]
        written = first.stat().st_mtime_ns
        assert opened(clip, tmp_path / "labels.csv").frames[0].stat().st_mtime_ns == written
        (first.parent / "complete").unlink()
        assert opened(clip, tmp_path / "labels.csv").frames[0].stat().st_mtime_ns != written

    def test_a_folder_s_frames_are_shown_as_they_are(self, clip: Path, tmp_path: Path) -> None:
        """Beside the file that `screen-time frames` wrote."""
        written = write_frames(clip, tmp_path / "frames", 2.0)
        job = opened(tmp_path / "frames", written.labels)
        assert list(job.frames) == [0, 2000, 4000]
        assert job.frames[2000] == tmp_path / "frames" / "frame2.jpg"

    def test_labels_behind_the_end_are_refused(self, clip: Path, tmp_path: Path) -> None:
        """They belong to another video."""
        labels = tmp_path / "labels.csv"
        labels.write_text("Image_ID,Class\nframe0.jpg,red\nframe99.jpg,red\n")
        with pytest.raises(LabelError, match=r"Second 99 is to be labelled, but .* ends before"):
            opened(clip, labels)

    def test_a_folder_without_frames_is_refused(self, tmp_path: Path) -> None:
        """With how they are named."""
        with pytest.raises(LabelError, match=r"frame0\.jpg"):
            opened(tmp_path, tmp_path / "labels.csv")


class TestSuggestions:
    """Of the champion, say."""

    def test_every_frame_gets_the_model_s_answer(self, clip: Path, tmp_path: Path) -> None:
        """In the file's own spelling of the names."""
        model = colours(tmp_path / "model", "RED", "Green", "blue")
        found = suggested(opened(clip, tmp_path / "labels.csv", model=model))
        assert [found[1000 * second][0] for second in range(SECONDS)] == [("red",), ("green",)] * 3

    def test_a_model_that_answers_for_each_character_lets_frames_show_several(self, clip: Path, tmp_path: Path) -> None:
        """A new file then has several characters a frame."""
        model = colours(tmp_path / "model", "red", "green", "blue", semantics=Semantics.INDEPENDENT)
        job = opened(clip, tmp_path / "labels.csv", model=model)
        assert job.sheet.several
        assert suggested(job)[0][1]["red"] > 0.5

    def test_a_model_names_the_classes_of_a_new_file(self, clip: Path, tmp_path: Path) -> None:
        """The second episode of a series."""
        job = opened(clip, tmp_path / "labels.csv", JobOptions(), colours(tmp_path / "model", "red", "green", "blue"))
        assert job.sheet.characters == ("red", "green", "blue")

    def test_a_model_of_other_characters_suggests_nothing(self, clip: Path, tmp_path: Path) -> None:
        """It would only mislead."""
        job = opened(clip, tmp_path / "labels.csv", model=colours(tmp_path / "model", "tom", "jerry", "spike"))
        assert job.suggestions is None


def suggested(job: Job) -> dict[int, tuple[tuple[str, ...], dict[str, float]]]:
    """All suggestions, as soon as they are complete."""
    assert job.suggestions is not None
    job.suggestions.start()
    end = time.monotonic() + 60
    while job.suggestions.found(0)[1]:
        assert time.monotonic() < end
        time.sleep(0.02)
    return {time_ms: (each.labels, each.probabilities) for time_ms, each in job.suggestions.found(0)[0].items()}
