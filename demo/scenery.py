"""What a shot plays in front of: painted places, things that move through them, things to hide behind, title cards."""

import math
import random
from collections.abc import Callable

import cv2

from demo.pen import Pen
from demo.script import Box, Cover, CoverKind, Place, Prop, PropKind, Rgb, position

SKIES: tuple[Rgb, ...] = ((158, 214, 240), (250, 214, 160), (176, 196, 232), (196, 232, 214), (240, 196, 206))
WALLS: tuple[Rgb, ...] = ((232, 206, 150), (168, 206, 196), (216, 172, 172), (176, 186, 220), (214, 214, 170))
WOODS: tuple[Rgb, ...] = ((196, 150, 98), (168, 122, 84), (214, 178, 130))
CARDS: tuple[Rgb, ...] = ((196, 62, 58), (44, 108, 150), (58, 128, 88), (206, 136, 40))

CLOUD: Rgb = (250, 250, 250)


def paint_place(pen: Pen, place: Place, width: float, seed: int) -> None:
    """Paint `place` over 0 … `width` × 0 … 1; its colours and details follow from `seed`."""
    _PLACES[place](pen, width, random.Random(seed))  # noqa: S311 (scenery is no secret)


def draw_prop(pen: Pen, prop: Prop, time: float) -> None:
    """Draw what moves and is nobody."""
    x, y = position(prop.path, time)
    _PROPS[prop.kind](pen.at(x, y, prop.size), prop.colour, time)


def draw_cover(pen: Pen, cover: Cover) -> None:
    """Draw what characters hide behind: it fills its box, opaque."""
    _COVERS[cover.kind](pen, cover.box)


def draw_title(pen: Pen, text: str, width: float, seed: int) -> None:
    """A card of rings with `text` on it, a line each."""
    base = random.Random(seed).choice(CARDS)  # noqa: S311 (scenery is no secret)
    for ring in range(8, 0, -1):
        share = 0.55 + 0.45 * ring / 8
        colour = (round(base[0] * share), round(base[1] * share), round(base[2] * share))
        pen.oval(width / 2, 0.5, 0.14 * ring, 0.14 * ring, colour, outline=False)
    lines = text.splitlines()
    for number, line in enumerate(lines):
        _write(pen, line, width / 2, 0.5 + 0.18 * ((len(lines) - 1) / 2 - number))


def _write(pen: Pen, text: str, x: float, y: float) -> None:
    font, scale, weight = cv2.FONT_HERSHEY_TRIPLEX, pen.unit / 180, max(1, pen.line)
    (text_width, text_height), _ = cv2.getTextSize(text, font, scale, weight)
    left, bottom = pen.origin[0] + x * pen.unit - text_width / 2, pen.origin[1] - y * pen.unit + text_height / 2
    for shift, colour in ((0.012 * pen.unit, pen.style.ink), (0.0, (255, 244, 214))):
        corner = (round(left + shift), round(bottom + shift))
        cv2.putText(pen.canvas, text, corner, font, scale, colour, weight, cv2.LINE_AA)


def _sky(pen: Pen, width: float, chance: random.Random, clouds: int = 3) -> None:
    pen.rectangle(-0.1, 0, width + 0.1, 1.1, chance.choice(SKIES), outline=False)
    for _ in range(clouds):
        x, y = chance.uniform(0, width), chance.uniform(0.68, 0.93)
        for dx, radius in ((-0.09, 0.05), (0.0, 0.075), (0.09, 0.055)):
            pen.oval(x + dx, y + radius / 3, radius * 1.3, radius, CLOUD, outline=False)


def _hills(pen: Pen, width: float, chance: random.Random, height: float, colour: Rgb) -> None:
    middle = [(width * step / 5, height + chance.uniform(-0.07, 0.07)) for step in range(6)]
    pen.blob([(-0.4, -0.4), (-0.3, height), *middle, (width + 0.3, height), (width + 0.4, -0.4)], colour)


def _meadow(pen: Pen, width: float, chance: random.Random) -> None:
    _sky(pen, width, chance)
    pen.oval(chance.uniform(0.2, width - 0.2), 0.84, 0.1, 0.1, (255, 224, 104))
    _hills(pen, width, chance, 0.5, (150, 200, 120))
    _hills(pen, width, chance, 0.34, (118, 180, 88))
    for _ in range(26):
        x, y = chance.uniform(0, width), chance.uniform(0.02, 0.28)
        pen.mark([(x, y), (x, y + 0.025)], (78, 132, 58), 0.7)
        colour = chance.choice(((250, 250, 250), (246, 208, 74), (232, 120, 150), (216, 70, 60)))
        pen.oval(x, y + 0.03, 0.012, 0.012, colour, outline=False)


def _forest(pen: Pen, width: float, chance: random.Random) -> None:
    haze = chance.choice(((120, 168, 140), (196, 186, 120), (104, 142, 150)))
    pen.rectangle(-0.1, 0, width + 0.1, 1.1, haze, outline=False)
    for depth, bark in ((0, (122, 128, 104)), (1, (106, 78, 58))):
        for _ in range(5 + depth):
            x, half = chance.uniform(0, width), chance.uniform(0.03, 0.05) * (1 + depth)
            bottom = 0.34 - 0.06 * depth
            pen.blob([(x - half * 1.7, bottom), (x - half, 0.6), (x - half, 1.1), (x + half, 1.1), (x + half, 0.6),
                      (x + half * 1.7, bottom)], bark)  # fmt: skip
    leaves = chance.choice(((58, 120, 66), (196, 120, 50), (96, 140, 54)))
    for step in range(12):
        pen.oval(width * step / 11, 1.0, 0.14, chance.uniform(0.08, 0.15), leaves)
    _hills(pen, width, chance, 0.27, (92, 122, 62))
    for _ in range(7):
        x, y = chance.uniform(0, width), chance.uniform(0.03, 0.2)
        pen.limb([(x, y), (x, y + 0.03)], 0.018, (240, 228, 204))
        pen.oval(x, y + 0.04, 0.035, 0.02, (206, 64, 54))


def _room(pen: Pen, width: float, chance: random.Random) -> None:
    wall = chance.choice(WALLS)
    stripe = (max(0, wall[0] - 14), max(0, wall[1] - 14), max(0, wall[2] - 14))
    pen.rectangle(-0.1, 0, width + 0.1, 1.1, wall, outline=False)
    for step in range(0, 24, 2):
        pen.rectangle(width * step / 24, 0.3, width * (step + 1) / 24, 1.1, stripe, outline=False)
    pen.rectangle(-0.1, -0.1, width + 0.1, 0.3, chance.choice(WOODS))
    pen.rectangle(-0.1, 0.3, width + 0.1, 0.34, (250, 246, 234))
    x = chance.uniform(0.1, width - 0.6)
    pen.rectangle(x, 0.52, x + 0.42, 0.92, (250, 246, 234))
    pen.rectangle(x + 0.03, 0.55, x + 0.39, 0.89, chance.choice(SKIES))
    pen.mark([(x + 0.21, 0.55), (x + 0.21, 0.89)], (250, 246, 234), 2)
    left = (x + width / 2) % (width - 0.3)
    pen.rectangle(left, 0.62, left + 0.26, 0.82, chance.choice(WOODS))
    pen.rectangle(left + 0.03, 0.65, left + 0.23, 0.79, chance.choice(CARDS))
    pen.oval(chance.uniform(0.4, width - 0.4), 0.13, 0.5, 0.08, chance.choice(CARDS))


def _town(pen: Pen, width: float, chance: random.Random) -> None:
    dusk = chance.random() < 0.5
    pen.rectangle(-0.1, 0, width + 0.1, 1.1, (70, 74, 120) if dusk else chance.choice(SKIES), outline=False)
    if dusk:
        pen.oval(chance.uniform(0.2, width - 0.2), 0.88, 0.06, 0.06, (244, 240, 214))
    x = -0.1
    while x < width:
        house = chance.uniform(0.3, 0.46)
        _house(pen, chance, Box(x, 0.26, x + house, chance.uniform(0.5, 0.72)), dusk=dusk)
        x += house
    pen.rectangle(-0.1, -0.1, width + 0.1, 0.26, (150, 148, 150))
    pen.rectangle(-0.1, 0.22, width + 0.1, 0.26, (206, 202, 196))
    for step in range(7):
        pen.rectangle(width * step / 7, 0.1, width * step / 7 + 0.12, 0.12, (236, 232, 216), outline=False)


def _house(pen: Pen, chance: random.Random, box: Box, *, dusk: bool) -> None:
    pen.rectangle(box.left, box.bottom, box.right, box.top, chance.choice(WALLS))
    middle = (box.left + box.right) / 2
    roof = chance.choice(((150, 74, 62), (96, 92, 108), (120, 90, 70)))
    pen.polygon([(box.left - 0.02, box.top), (middle, box.top + 0.16), (box.right + 0.02, box.top)], roof)
    for x in (box.left + 0.05, box.right - 0.13):
        lit = dusk and chance.random() < 0.7
        pen.rectangle(x, box.top - 0.15, x + 0.08, box.top - 0.05, (255, 222, 120) if lit else (120, 150, 170))


def _snow(pen: Pen, width: float, chance: random.Random) -> None:
    _sky(pen, width, chance, clouds=1)
    for x in (chance.uniform(0, width / 2), chance.uniform(width / 2, width)):
        pen.polygon([(x - 0.5, 0.3), (x, 0.8), (x + 0.5, 0.3)], (150, 164, 190))
        pen.polygon([(x - 0.15, 0.65), (x, 0.8), (x + 0.15, 0.65), (x + 0.05, 0.69), (x - 0.04, 0.64)], (250, 250, 252))
    _hills(pen, width, chance, 0.36, (226, 234, 244))
    for _ in range(5):
        x, bottom = chance.uniform(0, width), chance.uniform(0.28, 0.36)
        for layer in range(3):
            half, y = 0.1 - 0.025 * layer, bottom + 0.08 * layer
            pen.polygon([(x - half, y), (x, y + 0.13), (x + half, y)], (64, 116, 92))
    _hills(pen, width, chance, 0.2, (246, 248, 252))


def _beach(pen: Pen, width: float, chance: random.Random) -> None:
    _sky(pen, width, chance)
    pen.rectangle(-0.1, -0.1, width + 0.1, 0.52, chance.choice(((70, 160, 190), (88, 182, 176), (84, 130, 186))))
    for _ in range(12):
        x, y = chance.uniform(0, width), chance.uniform(0.36, 0.5)
        pen.mark([(x, y), (x + 0.03, y + 0.008), (x + 0.06, y)], (226, 240, 244), 0.7)
    _hills(pen, width, chance, 0.26, (240, 216, 160))
    x = chance.uniform(0.2, width - 0.2)
    lean = chance.choice((-0.15, 0.15))
    pen.limb([(x, 0.24), (x + lean * 0.3, 0.5), (x + lean, 0.78)], 0.04, (150, 110, 70))
    for angle in range(-20, 220, 40):
        dx, dy = 0.2 * math.cos(math.radians(angle)), 0.1 * math.sin(math.radians(angle))
        pen.limb([(x + lean, 0.78), (x + lean + dx / 2, 0.8 + dy), (x + lean + dx, 0.75 + dy)], 0.03, (66, 142, 74))


def _ball(pen: Pen, colour: Rgb, time: float) -> None:
    height = 1.6 * abs(math.sin(math.tau * 0.7 * time))
    pen.oval(0, 0.5 + height, 0.5, 0.5, colour)
    pen.oval(-0.12, 0.62 + height, 0.16, 0.14, (255, 250, 240), outline=False)


def _balloon(pen: Pen, colour: Rgb, time: float) -> None:
    sway = 0.12 * math.sin(math.tau * 0.3 * time)
    pen.mark([(sway, 0.6), (-sway, 0.2), (0, -0.3)])
    pen.oval(sway, 1.1, 0.42, 0.55, colour)
    pen.oval(sway - 0.13, 1.28, 0.1, 0.15, (255, 250, 240), outline=False)


def _butterfly(pen: Pen, colour: Rgb, time: float) -> None:
    open_ = 0.25 + 0.3 * abs(math.sin(math.tau * 2.5 * time))
    for side in (-1, 1):
        pen.oval(side * open_, 0.2, open_, 0.34, colour)
        pen.oval(side * open_ * 0.8, -0.22, open_ * 0.8, 0.24, colour)
    pen.limb([(0, -0.4), (0, 0.35)], 0.1, (40, 34, 40))


def _crate(pen: Pen, box: Box) -> None:
    pen.rectangle(box.left, box.bottom, box.right, box.top, (190, 142, 86))
    rail = 0.05
    for x in (box.left + rail, (box.left + box.right) / 2, box.right - rail):
        pen.mark([(x, box.bottom), (x, box.top)], weight=0.7)
    pen.limb([(box.left + rail, box.bottom + rail), (box.right - rail, box.top - rail)], 0.05, (168, 120, 68))
    pen.rectangle(box.left, box.top - rail, box.right, box.top, (168, 120, 68))
    pen.rectangle(box.left, box.bottom, box.right, box.bottom + rail, (168, 120, 68))


def _wall(pen: Pen, box: Box) -> None:
    pen.rectangle(box.left, box.bottom, box.right, box.top, (182, 104, 82))
    rows = max(2, round((box.top - box.bottom) / 0.09))
    height = (box.top - box.bottom) / rows
    for row in range(rows):
        y = box.bottom + row * height
        pen.mark([(box.left, y), (box.right, y)], (226, 200, 178), 0.7)
        x = box.left + (0.09 if row % 2 else 0.18)
        while x < box.right:
            pen.mark([(x, y), (x, y + height)], (226, 200, 178), 0.7)
            x += 0.18
    pen.rectangle(box.left, box.top - 0.04, box.right, box.top, (206, 196, 184))


def _hedge(pen: Pen, box: Box) -> None:
    leaf, light = (74, 130, 62), (106, 162, 84)
    for x in _spread(box.left + 0.04, box.right - 0.04, 0.1):
        pen.oval(x, box.top - 0.035, 0.08, 0.06, leaf)
    pen.rectangle(box.left, box.bottom, box.right, box.top - 0.02, leaf, outline=False)
    pen.mark([(box.left, box.top), (box.left, box.bottom)])
    pen.mark([(box.right, box.top), (box.right, box.bottom)])
    for row, y in enumerate(_spread(box.bottom + 0.05, box.top - 0.07, 0.12)):
        for x in _spread(box.left + 0.06 + 0.03 * (row % 2), box.right - 0.09, 0.12):
            pen.mark([(x, y), (x + 0.02, y + 0.02), (x + 0.04, y)], light)


def _spread(first: float, last: float, step: float) -> list[float]:
    """Even steps of about `step` from `first` to `last`, both included."""
    count = max(1, round((last - first) / step))
    return [first + (last - first) * number / count for number in range(count + 1)]


_PLACES: dict[Place, Callable[[Pen, float, random.Random], None]] = {
    Place.MEADOW: _meadow,
    Place.FOREST: _forest,
    Place.ROOM: _room,
    Place.TOWN: _town,
    Place.SNOW: _snow,
    Place.BEACH: _beach,
}
_PROPS: dict[PropKind, Callable[[Pen, Rgb, float], None]] = {
    PropKind.BALL: _ball,
    PropKind.BALLOON: _balloon,
    PropKind.BUTTERFLY: _butterfly,
}
_COVERS: dict[CoverKind, Callable[[Pen, Box], None]] = {
    CoverKind.CRATE: _crate,
    CoverKind.WALL: _wall,
    CoverKind.HEDGE: _hedge,
}
