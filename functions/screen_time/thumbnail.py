"""A frame as the model saw it, small enough to be shown by the dozen, and where in it the model looked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.samples import NEUTRAL_RGB, Frame

WIDTH = 320
"""The most pixels that a picture is wide or high."""

SHADE_WIDTH = 48
"""The same for the shade, which has no detail: a browser enlarges it smoothly."""

DARKEST = 0.65
"""How far the places that did not matter are darkened, 1 being black."""

QUALITY = 75


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG of `width` × `height` pixels, and a PNG to lay over it that darkens where the model did not look.

    `shade` covers the whole picture at a lower resolution; None for a model that does not tell.
    """

    width: int
    height: int
    jpeg: bytes
    shade: bytes | None


def draw(frame: Frame, where: NDArray[np.float32] | None) -> Thumbnail:
    """Draw a prepared frame without its padding; `where` is the model's map of it (rows × columns, at least 0)."""
    import cv2

    rows, columns = _picture(frame)
    picture = frame[rows, columns]
    height, width = _within(picture.shape[:2], WIDTH)
    small = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    jpeg = _encode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return Thumbnail(width, height, jpeg, None if where is None else _shade(where, frame.shape[:2], rows, columns))


def _picture(frame: Frame) -> tuple[slice, slice]:
    """The rows and columns inside the padding that preprocessing adds; all of them where it added none."""
    inside = (frame != np.array(NEUTRAL_RGB, dtype=np.uint8)).any(axis=2)
    if not inside.any():
        return slice(None), slice(None)
    return _extent(inside.any(axis=1)), _extent(inside.any(axis=0))


def _extent(used: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(used)
    return slice(int(found[0]), int(found[-1]) + 1)


def _shade(where: NDArray[np.float32], size: tuple[int, ...], rows: slice, columns: slice) -> bytes | None:
    """Black, transparent where the map is highest; None for a map of nothing."""
    import cv2

    strongest = float(where.max())
    if not (np.isfinite(strongest) and strongest > 0):
        return None
    height, width = size
    grown = cv2.resize(np.maximum(where, 0) / strongest, (width, height), interpolation=cv2.INTER_LINEAR)
    part = np.asarray(grown)[rows, columns]
    small_height, small_width = _within(part.shape, SHADE_WIDTH)
    small = cv2.resize(part, (small_width, small_height), interpolation=cv2.INTER_AREA)
    shade = np.zeros((small_height, small_width, 4), dtype=np.uint8)
    shade[:, :, 3] = np.round(255 * DARKEST * (1 - np.clip(small, 0, 1)))
    return _encode(".png", shade, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _within(size: tuple[int, ...], most: int) -> tuple[int, int]:
    """Height and width of at most `most` pixels, in proportion, never enlarged."""
    height, width = size
    factor = min(1.0, most / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _encode(suffix: str, image: NDArray[np.uint8], options: list[int]) -> bytes:
    import cv2

    done, data = cv2.imencode(suffix, np.ascontiguousarray(image), options)
    if not done:
        raise ValueError(f"OpenCV cannot write a {suffix} of {image.shape}")
    return bytes(data)
