"""Classifies what is new: a frame that is the same as the one before it has the same answer.

Only frames whose prepared pictures are equal to the bit count as the same. So no answer changes, however small the
character that moves, and a video measured in parts has the answers of the whole. Still titles, held poses and black
screens are like that once an encoder has nothing left to refine.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Answer, Classifier
from screen_time.samples import Frame


class HeldFrames:
    """Classifies a video's frames in order; `reused` counts those that needed no inference."""

    def __init__(self, classifier: Classifier, *, reuse: bool) -> None:
        self._classifier, self._reuse = classifier, reuse
        self._last: tuple[Frame, Answer] | None = None
        self.reused = 0

    def classify(self, frames: NDArray[np.uint8]) -> Answer:
        """The answer to the next frames (n × height × width × 3, n at least 1), as the classifier has it."""
        if not self._reuse:
            return self._classifier.classify(frames)
        new = self._is_new(frames)
        self.reused += int((~new).sum())
        answers = [] if self._last is None or new[0] else [self._last[1]]
        if new.any():
            answers.append(self._classifier.classify(frames if new.all() else frames[new]))
        found = _rows(answers, np.cumsum(new) - int(new[0]))
        self._last = (frames[-1].copy(), _rows([found], np.array([len(frames) - 1])))
        return found

    def _is_new(self, frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
        first = self._last is None or not np.array_equal(self._last[0], frames[0])
        return np.array([first, *(not np.array_equal(one, other) for one, other in pairwise(frames))])


def _rows(answers: Sequence[Answer], rows: NDArray[np.intp]) -> Answer:
    """The answer of which each row is that row of all `answers` together."""
    maps = [answer.maps for answer in answers if answer.maps is not None]
    return Answer(
        np.concatenate([answer.probabilities for answer in answers])[rows], np.concatenate(maps)[rows] if maps else None
    )
