"""From a decoded frame of any shape to the frame that a model takes: the one function training and Lambda share."""

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Fit, InputSpec
from screen_time.samples import NEUTRAL_RGB, Frame

BAR_BRIGHTNESS = 32
"""A bar's brightest channel stays below this (of 255): black is 16 in a limited-range file, plus compression noise."""

LARGEST_BAR = 0.25
"""The largest share of a side that one bar may take: 9:16 in 16:9 has more, and a night scene is no bar."""

UNEVENNESS = 0.02
"""Two opposite bars may differ by this share of the side; a dark wall on one side of the picture is no bar."""


def prepare(frame: Frame, spec: InputSpec) -> Frame:
    """Make `frame` the input of a model: uint8 RGB of exactly `spec.height` × `spec.width`."""
    if spec.fit is Fit.SQUEEZE:
        return _resize(frame, spec.height, spec.width)
    return _pad(without_black_bars(frame), spec.height, spec.width)


def without_black_bars(frame: Frame) -> Frame:
    """`frame` without the black bars at its sides or at its top and bottom (a view, nothing is copied).

    Each frame is judged alone, so that a sample's answer does not depend on what was read before it. Bars are even
    on both sides and leave at least half of the picture; a black frame stays whole.
    """
    height, width = frame.shape[:2]
    top, bottom = _even_bars(frame)
    left, right = _even_bars(frame.transpose(1, 0, 2))
    return frame[top : height - bottom, left : width - right]


def _even_bars(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """How many of the first and last lines (n × pixels × 3) are a bar each, or 0, 0 where they are no bars."""
    if not (_is_dark(lines[0]) and _is_dark(lines[-1])):
        return 0, 0  # nearly every frame ends here, having looked at four lines of it
    side = len(lines)
    largest = int(LARGEST_BAR * side)
    first, last = _dark_run(lines, largest), _dark_run(lines[::-1], largest)
    even = abs(first - last) <= max(2, UNEVENNESS * side)
    return (first, last) if even and max(first, last) <= largest else (0, 0)


def _dark_run(lines: NDArray[np.uint8], largest: int) -> int:
    """How many lines are dark from the first one on; `largest` + 1 where they are more than that."""
    return next((number for number, line in enumerate(lines[: largest + 1]) if not _is_dark(line)), largest + 1)


def _is_dark(line: NDArray[np.uint8]) -> bool:
    return int(line.max()) < BAR_BRIGHTNESS


def _pad(frame: Frame, height: int, width: int) -> Frame:
    """Fit `frame` into `height` × `width` with its aspect ratio kept, centred on the neutral colour."""
    scale = min(height / frame.shape[0], width / frame.shape[1])
    inner_height = min(height, max(1, round(frame.shape[0] * scale)))
    inner_width = min(width, max(1, round(frame.shape[1] * scale)))
    inner = _resize(frame, inner_height, inner_width)
    if inner.shape[:2] == (height, width):
        return inner
    canvas = np.full((height, width, 3), NEUTRAL_RGB, dtype=np.uint8)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    canvas[top : top + inner_height, left : left + inner_width] = inner
    return canvas


def _resize(frame: Frame, height: int, width: int) -> Frame:
    """Area interpolation where it shrinks (no aliasing), linear where it enlarges."""
    shrinks = height * width < frame.shape[0] * frame.shape[1]
    resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
