"""Draws a script: the picture on screen at any time."""

from collections.abc import Container, Iterator
from fractions import Fraction

import numpy as np

from demo.characters import draw_character
from demo.pen import Image, Pen
from demo.scenery import draw_cover, draw_prop, draw_title, paint_place
from demo.script import Script, Shot

PAN = 0.12
"""How far the background slides in a shot, in picture heights."""


class Cartoon:
    """A script's pictures of `width` × `height` pixels: the style's aspect in the middle, black around it.

    Only what moves is drawn anew for each picture; a shot's background is painted once.
    """

    def __init__(self, script: Script, width: int = 640, height: int = 360) -> None:
        self.script = script
        self._size = (height, width)
        aspect = float(script.style.aspect)
        inner_width, inner_height = min(width, round(height * aspect)), min(height, round(width / aspect))
        self._corner = ((height - inner_height) // 2, (width - inner_width) // 2)
        self._inner = (inner_height, inner_width)
        self._backdrop: tuple[Shot, Image] | None = None

    def frame(self, time: float | Fraction, without: Container[str] = ()) -> Image:
        """The picture at `time`; the characters in `without` stay away, whatever the script says."""
        shot = self.script.shot(time)
        frame = np.zeros((*self._size, 3), dtype=np.uint8)
        (top, left), (height, width) = self._corner, self._inner
        frame[top : top + height, left : left + width] = self._view(shot, float(time))
        # A view of the frame: what leaves the picture must not run over the black bars.
        self._act(self._pen(frame[top : top + height, left : left + width]), shot, float(time), without)
        return frame

    def frames(self, rate: Fraction) -> Iterator[tuple[Fraction, Image]]:
        """Every picture with its time, `rate` a second, to the script's end."""
        for index in range(round(self.script.seconds * rate)):
            yield index / rate, self.frame(index / rate)

    def _act(self, pen: Pen, shot: Shot, time: float, without: Container[str]) -> None:
        for prop in shot.props:
            draw_prop(pen, prop, time)
        for role in shot.roles:
            if role.character not in without:
                draw_character(pen, role.character, role.pose(time))
        if shot.cover:
            draw_cover(pen, shot.cover)

    def _view(self, shot: Shot, time: float) -> Image:
        if self._backdrop is None or self._backdrop[0] is not shot:
            self._backdrop = (shot, self._paint(shot))
        backdrop = self._backdrop[1]
        elapsed = (time - shot.start) / (shot.end - shot.start)
        column = round(min(1.0, elapsed) * (backdrop.shape[1] - self._inner[1]))
        return backdrop[:, column : column + self._inner[1]]

    def _paint(self, shot: Shot) -> Image:
        height, width = self._inner
        canvas = np.zeros((height, width if shot.title else width + round(PAN * height), 3), dtype=np.uint8)
        pen = self._pen(canvas)
        if shot.title:
            draw_title(pen, shot.title, width / height, shot.seed)
        else:
            paint_place(pen, shot.place, canvas.shape[1] / height, shot.seed)
        return canvas

    def _pen(self, canvas: Image) -> Pen:
        height = canvas.shape[0]
        style = self.script.style
        return Pen(canvas, style, (0.0, float(height)), float(height), max(1, round(style.line * height / 1000)))
