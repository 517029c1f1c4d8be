"""Outlined cartoon shapes on a picture: smooth, antialiased, in coordinates of one's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.script import Rgb, Style

Image = NDArray[np.uint8]
"""An RGB picture: uint8, height × width × 3."""

Points = Sequence[tuple[float, float]] | NDArray[np.float64]

FRACTION_BITS = 4
"""OpenCV draws at sixteenths of a pixel when points are multiplied by 2^4: motion is smooth, not stepped."""

CURVE_STEPS = 6
"""Straight pieces between two control points of a smooth curve."""


_ANGLES = np.linspace(0, math.tau, 28, endpoint=False)
_UNIT_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


@lru_cache(maxsize=4096)
def _graded(style: Style, colour: Rgb) -> Rgb:
    return style.grade(colour)


@lru_cache
def _curve_weights() -> NDArray[np.float64]:
    """Catmull-Rom: weights (steps × 4) of the four control points around a piece."""
    t = np.arange(CURVE_STEPS)[:, None] / CURVE_STEPS
    powers = np.concatenate([np.ones_like(t), t, t**2, t**3], axis=1)
    basis = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    return np.asarray(powers @ basis / 2, dtype=np.float64)


def smooth(points: Points) -> NDArray[np.float64]:
    """A closed smooth curve through `points`, as many small steps."""
    control = np.asarray(points, dtype=np.float64)
    around = np.stack([np.roll(control, shift, axis=0) for shift in (1, 0, -1, -2)])
    curve: NDArray[np.float64] = np.einsum("sk,knc->nsc", _curve_weights(), around)
    return curve.reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on `canvas` in units of `unit` pixels from the pixel `origin`, y upwards; `flip` mirrors x.

    Colours are graded by `style`; outlines are `line` pixels wide, or left out where it is 0.
    """

    canvas: Image
    style: Style
    origin: tuple[float, float]
    unit: float
    line: int
    flip: bool = False

    def at(self, x: float, y: float, unit: float, *, flip: bool = False) -> "Pen":
        """A pen whose origin is this pen's point (x, y), with a `unit` of that many of this pen's."""
        column, row = self.origin[0] + self._sign * x * self.unit, self.origin[1] - y * self.unit
        return Pen(self.canvas, self.style, (column, row), unit * self.unit, self.line, flip is not self.flip)

    def polygon(self, points: Points, colour: Rgb, *, outline: bool = True) -> None:
        """A filled shape with straight sides."""
        pixels = self._pixels(points)
        cv2.fillPoly(self.canvas, [pixels], _graded(self.style, colour), cv2.LINE_AA, FRACTION_BITS)
        if outline and self.line:
            self._draw_line(pixels, self.line, self.style.ink, closed=True)

    def blob(self, points: Points, colour: Rgb, *, outline: bool = True) -> None:
        """A filled shape whose smooth outline runs through `points`."""
        self.polygon(smooth(points), colour, outline=outline)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Rgb, *, outline: bool = True) -> None:
        """A filled ellipse around (x, y)."""
        self.polygon(_UNIT_CIRCLE * (rx, ry) + (x, y), colour, outline=outline)

    def rectangle(
        self, left: float, bottom: float, right: float, top: float, colour: Rgb, *, outline: bool = True
    ) -> None:
        """A filled rectangle."""
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour, outline=outline)

    def limb(self, points: Points, width: float, colour: Rgb) -> None:
        """A round-ended stroke of `width` along `points`, outlined."""
        if self.line:
            self._stroke(points, round(width * self.unit) + 2 * self.line, self.style.ink)
        self._stroke(points, max(1, round(width * self.unit)), _graded(self.style, colour))

    def mark(self, points: Points, colour: Rgb | None = None, weight: float = 1.0) -> None:
        """A line of `weight` outlines' width along `points`, in the ink's colour unless one is given."""
        ink = self.style.ink if colour is None else _graded(self.style, colour)
        self._stroke(points, max(1, round(self.line * weight)), ink)

    @property
    def _sign(self) -> int:
        return -1 if self.flip else 1

    def _stroke(self, points: Points, width: int, colour: Rgb) -> None:
        self._draw_line(self._pixels(points), width, colour, closed=False)

    def _draw_line(self, pixels: NDArray[np.int32], width: int, colour: Rgb, *, closed: bool) -> None:
        cv2.polylines(
            self.canvas, [pixels], isClosed=closed, color=colour, thickness=width, lineType=cv2.LINE_AA,
            shift=FRACTION_BITS,
        )  # fmt: skip

    def _pixels(self, points: Points) -> NDArray[np.int32]:
        scaled = np.asarray(points, dtype=np.float64) * (self._sign * self.unit, -self.unit) + self.origin
        return np.rint(scaled * (1 << FRACTION_BITS)).astype(np.int32)
