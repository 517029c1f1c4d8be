"""Not classifying a frame twice: fewer inferences, the same answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import Answer, Classifier
from screen_time.held_frames import HeldFrames
from tests.models import SIZE, write_colour_model


class Counting(Classifier):
    """A classifier that remembers how many frames each of its calls had."""

    calls: list[int]

    def classify(self, frames: NDArray[np.uint8]) -> Answer:
        self.calls = [*getattr(self, "calls", []), len(frames)]
        return super().classify(frames)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Counting:
    directory = tmp_path_factory.mktemp("model")
    write_colour_model(directory)
    return Counting.load(directory)


def frames(*levels: int) -> NDArray[np.uint8]:
    return np.stack([np.full((SIZE.height, SIZE.width, 3), (level, 100, 50), dtype=np.uint8) for level in levels])


BATCHES = [(7, 7, 7), (7, 7), (9, 7, 7), (7, 9), (9,), (1, 2, 3)]


def test_only_frames_that_differ_from_the_one_before_are_classified(classifier: Counting) -> None:
    """Within a batch and from one to the next."""
    held = HeldFrames(classifier, reuse=True)
    classifier.calls = []
    found = [held.classify(frames(*batch)).probabilities for batch in BATCHES]
    assert classifier.calls == [1, 2, 1, 3]
    assert held.reused == sum(map(len, BATCHES)) - sum(classifier.calls)
    for batch, probabilities in zip(BATCHES, found, strict=True):
        assert np.array_equal(probabilities, classifier.classify(frames(*batch)).probabilities)


def test_it_can_be_switched_off(classifier: Counting) -> None:
    """Then every frame is classified."""
    held = HeldFrames(classifier, reuse=False)
    classifier.calls = []
    for batch in BATCHES:
        held.classify(frames(*batch))
    assert (classifier.calls, held.reused) == ([3, 2, 3, 2, 1, 3], 0)


def test_a_single_pixel_s_move_is_seen(classifier: Counting) -> None:
    """The smallest character there can be."""
    first = frames(7, 7)
    first[1, 3, 5, 0] += 1
    held = HeldFrames(classifier, reuse=True)
    held.classify(first)
    assert held.reused == 0


def test_where_a_model_looked_is_reused_with_its_answer(classifier: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample has the map of its own frame."""

    def with_maps(_self: Classifier, images: NDArray[np.uint8]) -> Answer:
        levels = images[:, :1, :1, :1].astype(np.float32)
        return Answer(levels.reshape(-1, 1), levels)

    monkeypatch.setattr(Counting, "classify", with_maps)
    held = HeldFrames(classifier, reuse=True)
    for batch in BATCHES:
        answer = held.classify(frames(*batch))
        assert answer.maps is not None
        assert answer.maps.ravel().tolist() == list(batch)
