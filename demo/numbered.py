"""Frames that say which one they are, and still do after any lossy codec: the number as black and white squares."""

import cv2
import numpy as np

from demo.clips import Picture

ROWS, COLUMNS = 6, 8
BITS = 22
"""Largest number: 2^22 - 1, more than a day at 30 frames a second."""

SMALLEST = (48, 64)
"""Height and width below which squares become too small for codecs (8 pixels a square)."""

_CELL = 8


def numbered_frame(index: int, width: int = 64, height: int = 48) -> Picture:
    """A grey picture (height × width) of 6 × 8 squares that shows `index`.

    The corners say which way is up (only the upper left is white), then come the number's bits and the same bits
    inverted, so that every square is checked when it is read. Raises ValueError where the number does not fit.
    """
    if not 0 <= index < 1 << BITS:
        raise ValueError(f"a frame number has at most {BITS} bits")
    bits = (index >> np.arange(BITS)) & 1
    cells = np.zeros(ROWS * COLUMNS, dtype=np.uint8)
    cells[_CORNERS[0]] = 1
    cells[_INNER] = np.concatenate([bits, 1 - bits])
    grid = cells.reshape(ROWS, COLUMNS) * np.uint8(255)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def read_number(image: Picture) -> int:
    """The number that a decoded `image` (grey or RGB, upright) shows; raises ValueError where it shows none."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    scaled = cv2.resize(grey.astype(np.float32), (COLUMNS * _CELL, ROWS * _CELL), interpolation=cv2.INTER_AREA)
    cells = scaled.reshape(ROWS, _CELL, COLUMNS, _CELL)[:, 2:-2, :, 2:-2].mean(axis=(1, 3)).ravel() > 128
    bits, inverted = cells[_INNER[:BITS]], cells[_INNER[BITS:]]
    if list(cells[_CORNERS]) != [True, False, False, False] or not np.array_equal(bits, ~inverted):
        raise ValueError("the image shows no frame number, or is not upright")
    return int(bits @ (1 << np.arange(BITS)))


_CORNERS = np.array([0, COLUMNS - 1, (ROWS - 1) * COLUMNS, ROWS * COLUMNS - 1])
_INNER = np.setdiff1d(np.arange(ROWS * COLUMNS), _CORNERS)
