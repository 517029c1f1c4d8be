"""Which frames need not be classified: one that is the same as the one before it has the same answer.

Only frames whose prepared pictures are equal to the bit count as the same. So no answer changes, however small the
character that moves, and a video measured in parts has the answers of the whole. Still titles, held poses and black
screens are like that once an encoder has nothing left to refine.
"""

import numpy as np

from screen_time.samples import Frame


class HeldFrames:
    """Compares each of a video's frames with the one before; `reused` counts those that are the same."""

    def __init__(self, *, reuse: bool) -> None:
        self._reuse = reuse
        self._last: Frame | None = None
        self.reused = 0

    def is_held(self, frame: Frame) -> bool:
        """Whether the next frame, which may not change afterwards, is the same as the one before."""
        if not self._reuse:
            return False
        held = self._last is not None and np.array_equal(self._last, frame)
        self._last = frame
        self.reused += held
        return held
