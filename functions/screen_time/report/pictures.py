"""The moments that are shown as pictures, within what a report may hold."""

import base64
from collections.abc import Iterator
from itertools import zip_longest

from screen_time.highlights import Highlights, Moment
from screen_time.report.cast import Cast
from screen_time.report.markup import Markup, element, joined
from screen_time.report.wording import clock

PICTURE_BYTES = 1_000_000
"""Of all pictures together, as base64."""


class Pictures:
    """Decides once which pictures fit: each character's best before anybody's second best."""

    def __init__(self, highlights: Highlights, cast: Cast, size: tuple[int, int] | None) -> None:
        """`size` is the pictures' true width and height, where the model's input is squeezed."""
        self._size = size
        self._fitting: set[int] = set()
        left = PICTURE_BYTES
        for moment in _by_importance(highlights, cast):
            left -= _bytes(moment)
            if left < 0:
                break
            self._fitting.add(id(moment))

    def of(self, moments: tuple[Moment, ...]) -> list[Moment]:
        """Those of `moments` whose pictures fit."""
        return [moment for moment in moments if id(moment) in self._fitting]

    def picture(self, moment: Moment, what: str) -> Markup:
        """A button with the picture, which plays from there; `what` it shows, for who does not see it."""
        width, height = self._size or (moment.thumbnail.width, moment.thumbnail.height)
        image = element(
            "img", class_="frame", alt="", src=_data("image/jpeg", moment.thumbnail.jpeg), width=width, height=height
        )
        shade = moment.thumbnail.shade
        over = None if shade is None else element("img", class_="shade", alt="", src=_data("image/png", shade))
        label = f"Play from {clock(moment.time_ms / 1000)}: {what}"
        return element(
            "button", image, over, type="button", class_="picture", data_time=moment.time_ms / 1000, aria_label=label
        )


def figure(picture: Markup | str, *caption: Markup | str) -> Markup:
    """A picture with what is to be said about it."""
    return element("figure", picture, element("figcaption", joined(*caption)))


def _by_importance(highlights: Highlights, cast: Cast) -> Iterator[Moment]:
    rows = [highlights.least_certain, *(highlights.characters.get(role.name, ()) for role in cast.shown)]
    for column in zip_longest(*rows):
        yield from (moment for moment in column if moment is not None)


def _bytes(moment: Moment) -> int:
    return (len(moment.thumbnail.jpeg) + len(moment.thumbnail.shade or b"")) * 4 // 3


def _data(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
