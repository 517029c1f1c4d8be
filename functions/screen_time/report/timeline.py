"""Who is on screen when, as lanes of one picture: bounded in size, however long the video is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.documents import Document
from screen_time.measurement import Measurement
from screen_time.report.cast import NOBODY, Cast
from screen_time.report.markup import Markup, element, joined
from screen_time.report.wording import amount, clock, percent, short

WIDE, HIGH = 10_000, 100
"""Units of a lane's own coordinates: the whole video, and a probability of 1."""

BINS = 24_000
"""Points of all lanes' curves together."""

FINEST_BINS = 1200
"""Points of one lane's curve: about one a pixel."""

BLOCKS = 600
"""Segments of one lane that are drawn as they are; where there are more, those closer than a pixel become one."""

TICKS = 8
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000)
"""Seconds between two ticks, from which the first is taken that gives no more than TICKS."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch on screen, in seconds, and its confidence."""

    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One character's line: its colour's class, its blocks, and its mean probability in each bin (or None)."""

    name: str
    colour: str
    found: Document
    blocks: tuple[Block, ...]
    curve: NDArray[np.float64] | None


def lanes(document: Document, measurement: Measurement, cast: Cast) -> list[Lane]:
    """A lane for each character that is shown, and one for nobody where the model has an answer for that."""
    labels = document["model"]["labels"]
    duration = document["video"]["duration_seconds"]
    bins = max(50, min(FINEST_BINS, BINS // (len(cast.shown) + 1)))
    every = [
        Lane(
            role.name,
            role.colour,
            role.found,
            blocks(role.found["segments"], duration),
            binned(measurement, labels.index(role.name), bins),
        )
        for role in cast.shown
    ]
    if document["nobody"] is not None:
        empty = [label for label in labels if label not in document["characters"]]
        curve = binned(measurement, labels.index(empty[0]), bins) if empty else None
        every.append(Lane(NOBODY, NOBODY, document["nobody"], blocks(document["nobody"]["segments"], duration), curve))
    return every


def binned(measurement: Measurement, column: int, bins: int) -> NDArray[np.float64]:
    """The mean probability of label `column` in each of at most `bins` equal stretches of samples."""
    values = measurement.probabilities[:, column].astype(np.float64)
    if len(values) <= bins:
        return values
    edges = np.linspace(0, len(values), bins + 1).astype(int)
    return np.asarray(np.add.reduceat(values, edges[:-1]) / np.diff(edges))


def blocks(segments: Iterable[Document], duration: float) -> tuple[Block, ...]:
    """A document's segments; where there are many, gaps narrower than a pixel are closed."""
    every = [Block(each["start"], each["end"], each["confidence"]) for each in segments]
    if len(every) <= BLOCKS:
        return tuple(every)
    narrow = duration / BLOCKS
    joint: list[Block] = []
    for block in every:
        if joint and block.start - joint[-1].end < narrow:
            joint[-1] = _joined(joint[-1], block)
        else:
            joint.append(block)
    return tuple(joint)


def _joined(one: Block, other: Block) -> Block:
    lengths = (one.end - one.start, other.end - other.start)
    confidence = (one.confidence * lengths[0] + other.confidence * lengths[1]) / sum(lengths)
    return Block(one.start, other.end, round(confidence, 4))


def drawing(every: Sequence[Lane], duration: float) -> Markup:
    """The lanes, one below the other, and the time axis."""
    return joined(*(_lane(lane, duration) for lane in every), _axis(duration))


def _lane(lane: Lane, duration: float) -> Markup:
    shapes = [element("path", class_="on", d=_steps(lane.blocks, duration))]
    if lane.curve is not None:
        shapes.insert(0, element("path", class_="likely", d=_curve(lane.curve)))
    name = element(
        "div",
        element("bdi", short(lane.name), class_="name"),
        element("span", f"{amount(lane.found['seconds'])} · {percent(lane.found['percent'])}"),
        class_="lane-name",
    )
    picture = element(
        "svg", *shapes, viewBox=f"0 0 {WIDE} {HIGH}", preserveAspectRatio="none", aria_hidden="true", focusable="false"
    )
    return element("div", name, picture, class_=f"lane {lane.colour}")


def _steps(every: Iterable[Block], duration: float) -> str:
    """Each block as a bar as high as its confidence."""
    return "".join(
        f"M{_x(block.start, duration)} {HIGH}V{_y(block.confidence)}H{_x(block.end, duration)}V{HIGH}z"
        for block in every
    )


def _curve(values: NDArray[np.float64]) -> str:
    """The probabilities as stairs from the left to the right edge."""
    stairs = (f"V{_y(value)}H{round(WIDE * (number + 1) / len(values))}" for number, value in enumerate(values))
    return f"M0 {HIGH}{''.join(stairs)}V{HIGH}z"


def _x(seconds: float, duration: float) -> int:
    return round(WIDE * seconds / duration)


def _y(share: float) -> int:
    return round(HIGH * (1 - share))


def _axis(duration: float) -> Markup:
    step = next((each for each in STEPS if duration / each <= TICKS), STEPS[-1] * (1 + int(duration / 288_000)))
    marks = []
    for number in range(int(duration / step) + 1):
        at = f"{100 * number * step / duration:.3f}%"
        last = number > 0 and duration - number * step < step / 3
        anchor = "start" if number == 0 else "end" if last else "middle"
        marks.append(element("line", x1=at, x2=at, y1=0, y2=5))
        marks.append(element("text", clock(number * step), x=at, y=18, text_anchor=anchor))
    return element("svg", *marks, class_="axis", aria_hidden="true", focusable="false")
