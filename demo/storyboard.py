"""Invents an episode: from a seed to a script in which everyone gets screen time, everywhere, in every way.

Whoever learns from an episode must learn the characters: each label visits every place, at many sizes and
positions, and things that move are not always somebody. Comings and goings fall between whole seconds, so that a
frame sampled each second shows a character clearly or not at all.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from demo.script import (
    FIRST_STYLE,
    SIZES,
    Box,
    Cover,
    CoverKind,
    Gait,
    Path,
    Place,
    Prop,
    PropKind,
    Rgb,
    Role,
    Script,
    Shot,
    Style,
    Waypoint,
)

DASH = 0.4
"""Seconds that a character takes to come or to go, around half past a second."""

RARE_EVERY = 3
"""A rare character gets a shot in every third round of the cast."""

SHORTEST_WITH_CARDS = 12.0
"""Episodes below this many seconds spend none of them on a title and an end."""

TITLE, END = "Thistle Hill", "The End"

PROP_COLOURS: tuple[Rgb, ...] = ((222, 70, 66), (70, 130, 210), (246, 196, 60), (236, 140, 190), (250, 250, 250))

Cast = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """What an episode is to be like: equal plots give equal scripts.

    Those in `rare` belong to the cast and get few shots. Without `together` no two are ever seen at once. Raises
    ValueError where a character is unknown or the episode has no length.
    """

    seed: int = 1
    seconds: float = 90.0
    style: Style = FIRST_STYLE
    cast: tuple[str, ...] = ("fox", "owl")
    rare: tuple[str, ...] = ()
    together: bool = False

    def __post_init__(self) -> None:
        if unknown := set(self.cast) - set(SIZES):
            raise ValueError(f"nobody can draw {', '.join(sorted(unknown))}; there are {', '.join(SIZES)}")
        if not set(self.rare) <= set(self.cast) or self.seconds <= 0:
            raise ValueError("rare characters must be of the cast, and an episode needs a length")


def write_storyboard(plot: Plot) -> Script:
    """Invent the episode."""
    return Script(plot.cast, plot.style, tuple(_Director(plot).shots()))


class _Director:
    """Decides shot by shot; everything it decides comes from one seed."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._chance = random.Random(plot.seed)  # noqa: S311 (an episode is no secret)
        self._style = plot.style
        self._width = float(plot.style.aspect)
        self._places: dict[Cast, Iterator[Place]] = {}

    def shots(self) -> Iterator[Shot]:
        """Every shot, from 0 to the plot's seconds."""
        seconds, cards = self._plot.seconds, self._plot.seconds >= SHORTEST_WITH_CARDS
        start, last = (self._cut(2), self._cut(math.ceil(seconds) - 3)) if cards else (0.0, seconds)
        if cards:
            yield self._card(0.0, start, TITLE)
        yield from self._story(start, last)
        if cards:
            yield self._card(last, seconds, END)

    def _story(self, start: float, last: float) -> Iterator[Shot]:
        for who in self._rounds():
            end = self._cut(math.floor(start) + self._length(who))
            # Nothing shorter than a shot's shortest is left over for the end.
            end = end if end < last - 2.5 else last
            yield self._shot(start, end, who)
            start = end
            if start >= last:
                return

    def _cut(self, second: int) -> float:
        """A moment between `second` and the next, clear of both."""
        return second + round(self._chance.uniform(0.35, 0.65), 2)

    def _length(self, who: Cast) -> int:
        return 2 if not who else self._chance.randint(2, 3)

    def _rounds(self) -> Iterator[Cast]:
        """Who is in the next shot, for ever: all in turns, nobody once a round, in an order that changes."""
        regular = [name for name in self._plot.cast if name not in self._plot.rare]
        for number in itertools.count():
            deck: list[Cast] = [*((name,) for name in regular), ()]
            if number % RARE_EVERY == 0:
                deck += [(name,) for name in self._plot.rare]
            if self._plot.together and len(regular) > 1:
                deck.append(tuple(self._chance.sample(regular, 2)))
            self._chance.shuffle(deck)
            yield from deck

    def _place(self, who: Cast) -> Place:
        if who not in self._places:
            self._places[who] = itertools.cycle(self._chance.sample(list(Place), len(Place)))
        return next(self._places[who])

    def _card(self, start: float, end: float, title: str) -> Shot:
        return Shot(start, end, Place.MEADOW, self._seed(), title=title)

    def _seed(self) -> int:
        return self._chance.randrange(2**31)

    def _shot(self, start: float, end: float, who: Cast) -> Shot:
        place, seed, props = self._place(who), self._seed(), self._props(start, end)
        if len(who) == 1:
            roles, cover = self._alone(who[0], start, end)
        else:
            roles, cover = self._side_by_side(who, start), None
        if not who and self._chance.random() < 0.3:
            cover = self._cover(self._x(0.4), self._chance.uniform(0.3, 0.6), self._chance.uniform(0.25, 0.5))
        return Shot(start, end, place, seed, roles, props, cover)

    def _alone(self, name: str, start: float, end: float) -> tuple[tuple[Role, ...], Cover | None]:
        acts: list[Callable[[str, float, float], tuple[Role, Cover | None]]]
        acts = [self._stays, self._walks, self._close_up, self._behind_low_cover]
        # To come or to go takes a whole second before and one after.
        if math.ceil(end) - math.floor(start) >= 3 and self._chance.random() < 0.25:
            acts = [self._enters, self._leaves, self._hides]
        role, cover = self._chance.choice(acts)(name, start, end)
        return (role,), cover

    def _side_by_side(self, who: Cast, start: float) -> tuple[Role, ...]:
        roles = []
        for number, name in enumerate(who):
            scale = min(self._scale(), 0.5)
            x = self._width * (0.26 + 0.48 * number)
            path = self._still(start, x, self._ground())
            roles.append(Role(name, path, scale, bool(number), self._gait(), self._hops()))
        return tuple(roles)

    def _stays(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        del end
        scale = self._scale()
        path = self._still(start, self._x(0.5 * scale), self._ground())
        return Role(name, path, scale, self._coin(), self._gait(), self._hops()), None

    def _walks(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        scale, y = self._scale(), self._ground()
        left, right = self._width * self._chance.uniform(0.18, 0.35), self._width * self._chance.uniform(0.65, 0.82)
        ends = (left, right) if self._coin() else (right, left)
        path = (Waypoint(start, ends[0], y), Waypoint(end, ends[1], y))
        return Role(name, path, scale, self._coin(), Gait.STAND), None

    def _close_up(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        del end
        scale = self._chance.uniform(1.1, 1.45) * self._style.scale
        path = self._still(start, self._x(0.4 * scale), -0.42 * scale)
        return Role(name, path, scale, self._coin(), self._gait()), None

    def _behind_low_cover(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        del end
        scale, y = self._scale(), self._ground()
        x = self._x(0.5 * scale)
        covered = 0.25 * scale * SIZES[name][1]
        cover = self._cover(x + self._chance.uniform(-0.1, 0.1), self._chance.uniform(0.5, 0.9), y + covered)
        return Role(name, self._still(start, x, y), scale, self._coin(), self._gait()), cover

    def _enters(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        del end
        scale, y = self._scale(), self._ground()
        outside, inside = self._outside(scale), self._x(0.5 * scale)
        come = math.floor(start) + 1.5 - DASH / 2
        path = (Waypoint(come, outside, y), Waypoint(come + DASH, inside, y))
        return Role(name, path, scale, self._coin(), self._gait()), None

    def _leaves(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        scale, y = self._scale(), self._ground()
        outside, inside = self._outside(scale), self._x(0.5 * scale)
        go = math.ceil(end) - 1.5 - DASH / 2
        path = (Waypoint(start, inside, y), Waypoint(go, inside, y), Waypoint(go + DASH, outside, y))
        return Role(name, path, scale, self._coin(), self._gait()), None

    def _hides(self, name: str, start: float, end: float) -> tuple[Role, Cover | None]:
        """Dashes behind something and stays there, or comes out of it."""
        scale = self._chance.uniform(0.46, 0.56) * self._style.scale
        y = self._ground()
        width = 1.15 * scale
        hidden = self._width * self._chance.uniform(0.38, 0.62)
        side = 1 if hidden < self._width / 2 else -1
        seen = hidden + side * (width / 2 + 0.55 * scale)
        first, then = (seen, hidden) if self._coin() else (hidden, seen)
        turn = self._between(start, end)
        path = (Waypoint(start, first, y), Waypoint(turn, first, y), Waypoint(turn + DASH, then, y))
        return Role(name, path, scale, self._coin(), Gait.STAND), self._cover(hidden, width, y + 1.08 * scale)

    def _cover(self, x: float, width: float, top: float) -> Cover:
        return Cover(self._chance.choice(list(CoverKind)), Box(x - width / 2, -0.05, x + width / 2, top))

    def _props(self, start: float, end: float) -> tuple[Prop, ...]:
        if self._chance.random() < 0.4:
            return ()
        kind = self._chance.choice(list(PropKind))
        y = self._chance.uniform(0.04, 0.25) if kind is PropKind.BALL else self._chance.uniform(0.4, 0.75)
        path = (Waypoint(start, self._x(0.1), y), Waypoint(end, self._x(0.1), y))
        colour = self._chance.choice(PROP_COLOURS)
        return (Prop(kind, path, self._chance.uniform(0.07, 0.14), colour),)

    def _between(self, start: float, end: float) -> float:
        """When a dash begins so that whole seconds of the shot lie on both sides of it."""
        second = self._chance.randint(math.floor(start) + 1, math.ceil(end) - 2)
        return second + 0.5 - DASH / 2

    def _outside(self, scale: float) -> float:
        return -0.55 * scale if self._coin() else self._width + 0.55 * scale

    def _x(self, margin: float) -> float:
        return self._chance.uniform(margin, self._width - margin)

    def _still(self, time: float, x: float, y: float) -> Path:
        return (Waypoint(time, x, y),)

    def _scale(self) -> float:
        return self._chance.uniform(0.5, 0.85) * self._style.scale

    def _ground(self) -> float:
        return self._chance.uniform(0.04, 0.16)

    def _gait(self) -> Gait:
        return self._chance.choice((Gait.STAND, Gait.WAVE))

    def _hops(self) -> float:
        return self._chance.choice((0.0, 0.0, 0.1))

    def _coin(self) -> bool:
        return self._chance.random() < 0.5
