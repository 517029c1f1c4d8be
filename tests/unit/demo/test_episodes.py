"""An episode on disk: a video that ordinary tools play, and labels that fit it."""

import csv
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from demo.cartoon import Cartoon
from demo.episodes import Episode, write_episode


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    return write_episode(tmp_path_factory.mktemp("episode") / "new", 2, seconds=14)


def test_the_video_is_ordinary(episode: Episode) -> None:
    """H.264, 640×360, 24 frames a second, as long as the script."""
    with av.open(str(episode.video)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 640, 360)
        assert stream.average_rate == 24
        assert stream.frames == 14 * 24
        assert container.duration == 14_000_000


def test_the_video_shows_the_script(episode: Episode) -> None:
    """Each decoded frame is the drawn one, but for what the codec loses."""
    cartoon = Cartoon(episode.script)
    with av.open(str(episode.video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % 29 == 0:
                drawn = cartoon.frame(Fraction(index, 24)).astype(int)
                assert np.abs(frame.to_ndarray(format="rgb24") - drawn).mean() < 6


def test_labels_have_a_row_a_second(episode: Episode) -> None:
    """Both files, one row for each frame that a sampler takes."""
    for path in (episode.labels, episode.presence):
        with path.open(newline="") as file:
            assert [row["Image_ID"] for row in csv.DictReader(file)] == [f"frame{second}.jpg" for second in range(14)]


def test_equal_episodes_are_equal_files(episode: Episode, tmp_path: Path) -> None:
    """What is measured on the demo can be measured again."""
    again = write_episode(tmp_path, 2, seconds=14)
    assert again.labels.read_bytes() == episode.labels.read_bytes()
    assert again.video.read_bytes() == episode.video.read_bytes()
