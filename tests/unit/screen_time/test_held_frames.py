"""Not classifying a frame twice: fewer inferences, the same answers."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import Classifier, Line
from screen_time.decoding import Counters, Decoded, Decoding
from screen_time.held_frames import HeldFrames
from screen_time.measurement import Measurement, measure_decoding
from screen_time.samples import Frame, Outline, Sample, VideoInfo
from tests.models import SIZE, write_colour_model

LEVELS = (7, 7, 7, 7, 7, 9, 7, 7, 7, 9, 9, 1, 2, 3)
DIFFERENT = 7
"""Of LEVELS, that differ from the one before."""

INFO = VideoInfo("mp4", "h264", SIZE.width, SIZE.height, 0, None)


class Still(Decoding):
    """A video of plain frames; each image is overwritten by the next one, as the decoder's memory is."""

    def __init__(self, *frames: Frame) -> None:
        self._frames = frames

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def outline(self) -> Outline:
        return Outline(INFO, 1000 * len(self._frames), ())

    def samples(self) -> Iterator[Sample]:
        image = np.empty_like(self._frames[0])
        for index, frame in enumerate(self._frames):
            image[:] = frame
            yield Sample(index, 1000 * index, 1000, image)

    def decoded(self) -> Decoded:
        counters = Counters(len(self._frames), 0, truncated=False)
        return Decoded(INFO, None, counters, 0.0, 0.0)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    directory = tmp_path_factory.mktemp("model")
    write_colour_model(directory, maps=True)
    return Classifier.load(directory)


@pytest.fixture
def classified(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    """Every frame that a model is given."""
    given: list[Frame] = []
    put = Line.put

    def noted(line: Line, frame: Frame) -> None:
        given.append(frame)
        put(line, frame)

    monkeypatch.setattr(Line, "put", noted)
    return given


def frames(*levels: int) -> NDArray[np.uint8]:
    return np.stack([np.full((SIZE.height, SIZE.width, 3), (level, 100, 50), dtype=np.uint8) for level in levels])


def measured(classifier: Classifier, *, reuse: bool) -> Measurement:
    return measure_decoding(Still(*frames(*LEVELS)), classifier, 1000, reuse=reuse)


def test_only_frames_that_differ_from_the_one_before_are_classified(
    classifier: Classifier, classified: list[Frame]
) -> None:
    """However many samples are on their way; each has the answer to its own frame."""
    found = measured(classifier, reuse=True)
    assert (len(classified), found.counters.samples_reused) == (DIFFERENT, len(LEVELS) - DIFFERENT)
    assert np.array_equal(found.probabilities, classifier.probabilities(frames(*LEVELS)))


def test_it_can_be_switched_off(classifier: Classifier, classified: list[Frame]) -> None:
    """Then every frame is classified, and the answers are the same."""
    found = measured(classifier, reuse=False)
    assert (len(classified), found.counters.samples_reused) == (len(LEVELS), 0)
    assert np.array_equal(found.probabilities, measured(classifier, reuse=True).probabilities)


def test_a_single_pixel_s_move_is_seen() -> None:
    """The smallest character there can be."""
    first = frames(7, 7)
    first[1, 3, 5, 0] += 1
    held = HeldFrames(reuse=True)
    assert [held.is_held(frame) for frame in (*first, first[1].copy())] == [False, False, True]


def test_what_is_shown_is_the_same_with_reuse(classifier: Classifier) -> None:
    """Each picture is of its own frame, with the map of that frame."""
    assert measured(classifier, reuse=True).highlights == measured(classifier, reuse=False).highlights
