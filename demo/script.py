"""An episode's script: what is on screen at every moment, as data, and therefore the ground truth of its labels.

Lengths are in picture heights: the picture spans 0 … aspect in x (to the right) and 0 … 1 in y (upwards). Times are in
seconds from the start of the episode.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

VISIBLE_SHARE = 0.3
"""A character counts as visible when at least this share of its box is inside the picture and not behind something."""

Rgb = tuple[int, int, int]


class Gait(StrEnum):
    """What a character does with itself."""

    STAND = "stand"
    WALK = "walk"
    WAVE = "wave"


class Place(StrEnum):
    """Where a shot plays."""

    MEADOW = "meadow"
    FOREST = "forest"
    ROOM = "room"
    TOWN = "town"
    SNOW = "snow"
    BEACH = "beach"


class PropKind(StrEnum):
    """Things that move through a shot and are no characters."""

    BALL = "ball"
    BALLOON = "balloon"
    BUTTERFLY = "butterfly"


class CoverKind(StrEnum):
    """Things that characters stand behind."""

    CRATE = "crate"
    WALL = "wall"
    HEDGE = "hedge"


@dataclass(frozen=True, slots=True)
class Style:
    """How an episode is drawn.

    `line` is the width of outlines in thousandths of the picture's height, `ink` their colour. `saturation`,
    `brightness` and `warmth` (added to red, taken from blue) grade every colour. `aspect` is the picture's: what is
    left of the frame stays black. `scale` multiplies the size of all characters.
    """

    name: str
    line: float
    ink: Rgb
    saturation: float
    brightness: float
    warmth: int
    aspect: Fraction
    scale: float

    def grade(self, colour: Rgb) -> Rgb:
        """`colour` as this style shows it."""
        grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        mixed = (self.brightness * (grey + self.saturation * (channel - grey)) for channel in colour)
        red, green, blue = (
            min(255, max(0, round(value + shift)))
            for value, shift in zip(mixed, (self.warmth, 0, -self.warmth), strict=True)
        )
        return red, green, blue


FIRST_STYLE = Style("first", 6.5, (43, 33, 38), 1.0, 1.0, 0, Fraction(16, 9), 1.0)
SECOND_STYLE = Style("second", 8.5, (66, 44, 34), 0.9, 0.97, 6, Fraction(3, 2), 1.0)
"""Broader brown lines, faded warm colours, and 3:2 with black bars at the sides."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle from (left, bottom) to (right, top)."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        """0 where the sides are crossed."""
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    def within(self, other: Self) -> "Box":
        """The part that both have in common (of no area where there is none)."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where something stands (the middle of its feet) at a time."""

    time: float
    x: float
    y: float


Path = tuple[Waypoint, ...]


def position(path: Path, time: float) -> tuple[float, float]:
    """The point on `path` at `time`, still before its first and after its last waypoint."""
    after = bisect_right(path, time, key=lambda point: point.time)
    before, then = path[max(0, after - 1)], path[min(after, len(path) - 1)]
    if before.time >= then.time:
        return then.x, then.y
    share = (time - before.time) / (then.time - before.time)
    return before.x + share * (then.x - before.x), before.y + share * (then.y - before.y)


@dataclass(frozen=True, slots=True)
class Pose:
    """A character at one moment; `phase` runs through one step of its gait each whole number."""

    x: float
    y: float
    height: float
    faces_left: bool
    gait: Gait
    phase: float


SIZES: dict[str, tuple[float, float]] = {"fox": (0.92, 1.0), "owl": (0.86, 0.86), "frog": (0.95, 0.74)}
"""Width and height of the characters that can be drawn, for a height of 1 of the tallest."""

LARGEST_CAST = len(SIZES)


@dataclass(frozen=True, slots=True)
class Role:
    """A character's part in a shot. `hops` is how high it jumps, again and again."""

    character: str
    path: Path
    scale: float
    faces_left: bool
    gait: Gait
    hops: float = 0.0

    def pose(self, time: float) -> Pose:
        """How the character stands at `time`."""
        x, y = self._feet(time)
        ahead = position(self.path, time + 0.02)[0] - x
        moves = abs(ahead) > 1e-4
        return Pose(
            x=x,
            y=y,
            height=self.scale,
            faces_left=ahead < 0 if moves else self.faces_left,
            gait=Gait.WALK if moves else self.gait,
            phase=time * (2.2 if moves else 0.9),
        )

    def box(self, time: float) -> Box:
        """What the character takes of the plane at `time`, seen or not."""
        x, y = self._feet(time)
        width, height = (side * self.scale for side in SIZES[self.character])
        return Box(x - width / 2, y, x + width / 2, y + height)

    def _feet(self, time: float) -> tuple[float, float]:
        x, y = position(self.path, time)
        return x, y + self.hops * abs(math.sin(math.tau * 0.8 * time))


@dataclass(frozen=True, slots=True)
class Prop:
    """Something that moves and is nobody."""

    kind: PropKind
    path: Path
    size: float
    colour: Rgb


@dataclass(frozen=True, slots=True)
class Cover:
    """Something opaque in front of the characters; it fills its box."""

    kind: CoverKind
    box: Box


@dataclass(frozen=True, slots=True)
class Shot:
    """What happens between two cuts, `start` included and `end` not.

    `seed` decides everything that is only scenery. A shot with a `title` is a card: nothing but words.
    """

    start: float
    end: float
    place: Place
    seed: int
    roles: tuple[Role, ...] = ()
    props: tuple[Prop, ...] = ()
    cover: Cover | None = None
    title: str | None = None

    def visible_share(self, role: Role, time: float, picture: Box) -> float:
        """The share, 0 … 1, of the character's box that is inside the picture and not behind the cover."""
        box = role.box(time)
        inside = box.within(picture)
        hidden = inside.within(self.cover.box).area if self.cover else 0.0
        return (inside.area - hidden) / box.area


@dataclass(frozen=True, slots=True)
class Script:
    """An episode: its shots follow each other without a gap from 0 to `seconds`."""

    cast: tuple[str, ...]
    style: Style
    shots: tuple[Shot, ...]

    @property
    def seconds(self) -> float:
        """The episode's length."""
        return self.shots[-1].end

    @property
    def picture(self) -> Box:
        """What the camera sees."""
        return Box(0.0, 0.0, float(self.style.aspect), 1.0)

    def shot(self, time: float | Fraction) -> Shot:
        """The shot on screen at `time`; the first before its start, the last after its end."""
        return self.shots[max(0, bisect_right(self.shots, time, key=lambda shot: shot.start) - 1)]

    def visible_share(self, character: str, time: float | Fraction) -> float:
        """The largest visible share of `character` at `time`, 0 where it has no part in the shot."""
        shot, at = self.shot(time), float(time)
        shares = (shot.visible_share(role, at, self.picture) for role in shot.roles if role.character == character)
        return max(shares, default=0.0)

    def presence(self, time: float | Fraction) -> frozenset[str]:
        """The characters that can be seen at `time`."""
        return frozenset(name for name in self.cast if self.visible_share(name, time) >= VISIBLE_SHARE)

    def seconds_on_screen(self, rate: Fraction = Fraction(24)) -> dict[str, float]:
        """How long each character can be seen, counted by the frame at `rate` frames a second."""
        frames = [self.presence(index / rate) for index in range(math.ceil(Fraction(self.seconds) * rate))]
        return {name: float(sum(name in present for present in frames) / rate) for name in self.cast}
