"""The demo's own animals: a fox with a scarf, a round owl with a bow tie, a frog in a striped jersey.

Each is drawn facing right, its feet around (0, 0), in units of its pose's height (the fox is 1 tall).
"""

import math
from collections.abc import Callable

from demo.pen import Pen
from demo.script import Gait, Pose, Rgb

WHITE: Rgb = (252, 250, 244)
BLACK: Rgb = (30, 26, 30)

ORANGE: Rgb = (238, 124, 44)
DARK_ORANGE: Rgb = (206, 92, 30)
CREAM: Rgb = (255, 236, 208)
BROWN: Rgb = (84, 48, 36)
TEAL: Rgb = (32, 160, 152)

VIOLET: Rgb = (112, 92, 186)
DARK_VIOLET: Rgb = (82, 64, 150)
LILAC: Rgb = (206, 194, 238)
YELLOW: Rgb = (255, 206, 62)
RED: Rgb = (214, 58, 62)

GREEN: Rgb = (112, 186, 66)
DARK_GREEN: Rgb = (72, 142, 48)
LIME: Rgb = (206, 230, 140)
NAVY: Rgb = (52, 74, 132)


def draw_character(pen: Pen, name: str, pose: Pose) -> None:
    """Draw the character `name` in `pose` with `pen`, whose units are picture heights."""
    _DRAWINGS[name](pen.at(pose.x, pose.y, pose.height, flip=pose.faces_left), pose)


def _swing(pose: Pose, lag: float = 0.0) -> float:
    """-1 … 1 through one step."""
    return math.sin(math.tau * (pose.phase + lag))


def _stride(pose: Pose) -> float:
    return 0.13 * _swing(pose) if pose.gait is Gait.WALK else 0.0


def _blinks(pose: Pose) -> bool:
    return pose.phase % 2.7 < 0.12


def _eye(pen: Pen, x: float, y: float, radius: float, pose: Pose) -> None:
    if _blinks(pose):
        pen.mark([(x - radius, y), (x, y - radius * 0.4), (x + radius, y)])
        return
    pen.oval(x, y, radius * 0.85, radius, WHITE)
    pen.oval(x + radius * 0.3, y, radius * 0.45, radius * 0.6, BLACK, outline=False)
    pen.oval(x + radius * 0.45, y + radius * 0.25, radius * 0.16, radius * 0.18, WHITE, outline=False)


def _fox(pen: Pen, pose: Pose) -> None:
    _fox_tail(pen, 0.05 * _swing(pose, 0.3))
    stride = _stride(pose)
    for hip, step, colour in ((-0.07, -stride, DARK_ORANGE), (0.05, stride, ORANGE)):
        foot, lift = hip + step, max(0.0, step) * 0.4
        pen.limb([(hip, 0.27), (hip + step * 0.6, 0.16), (foot, 0.06 + lift)], 0.075, colour)
        pen.oval(foot + 0.03, 0.045 + lift, 0.085, 0.045, BROWN)
    _fox_arm(pen, pose, back=True)
    pen.blob([(-0.15, 0.22), (-0.17, 0.36), (-0.09, 0.56), (0.07, 0.56), (0.15, 0.36), (0.13, 0.22)], ORANGE)
    pen.blob([(-0.01, 0.21), (-0.03, 0.34), (0.03, 0.5), (0.1, 0.48), (0.125, 0.32)], CREAM, outline=False)
    _fox_arm(pen, pose, back=False)
    _fox_head(pen.at(0.03, 0.72 + 0.012 * _swing(pose), 1.0), pose)
    sway = 0.03 * _swing(pose, 0.15)
    pen.blob([(-0.07, 0.5), (-0.13, 0.42), (-0.28, 0.40 + sway), (-0.26, 0.48 + sway), (-0.1, 0.56)], TEAL)
    pen.blob([(-0.13, 0.52), (-0.1, 0.6), (0.03, 0.585), (0.14, 0.595), (0.15, 0.53), (0.02, 0.5)], TEAL)


def _fox_tail(pen: Pen, wag: float) -> None:
    pen.blob(
        [(-0.08, 0.2), (-0.2, 0.14), (-0.36, 0.2), (-0.45, 0.38 + wag), (-0.4, 0.6 + wag), (-0.32, 0.46 + wag),
         (-0.22, 0.34), (-0.1, 0.32)],
        ORANGE,
    )  # fmt: skip
    pen.blob(
        [(-0.4, 0.6 + wag), (-0.45, 0.43 + wag), (-0.43, 0.37 + wag), (-0.38, 0.43 + wag), (-0.335, 0.43 + wag)],
        CREAM,
    )


def _fox_arm(pen: Pen, pose: Pose, *, back: bool) -> None:
    side, colour = (-0.1, DARK_ORANGE) if back else (0.1, ORANGE)
    if pose.gait is Gait.WAVE and not back:
        hand = (0.31, 0.62 + 0.06 * _swing(pose, 0.1))
    else:
        reach = _stride(pose) * (1 if back else -1)
        hand = (side * 1.5 + reach, 0.3 + abs(reach) * 0.3)
    elbow = ((side + hand[0]) / 2 + 0.03, min(0.42, hand[1]))
    pen.limb([(side * 0.9, 0.49), elbow, hand], 0.06, colour)
    pen.oval(*hand, 0.05, 0.045, BROWN)


def _fox_head(pen: Pen, pose: Pose) -> None:
    for tip, base in ((-0.17, -0.09), (0.07, 0.06)):
        left, right = (base - 0.08, 0.07), (base + 0.08, 0.1)
        pen.polygon([left, (tip, 0.275), right], DARK_ORANGE)
        middle = [(0.4 * x + 0.6 * tip, 0.4 * y + 0.6 * 0.275) for x, y in (left, right)]
        pen.polygon([middle[0], (tip, 0.275), middle[1]], BROWN)
    pen.blob(
        [(-0.25, -0.05), (-0.2, 0.05), (-0.1, 0.14), (0.06, 0.13), (0.16, 0.04), (0.33, -0.03), (0.33, -0.075),
         (0.16, -0.12), (-0.03, -0.15), (-0.17, -0.12)],
        ORANGE,
    )  # fmt: skip
    pen.blob([(-0.24, -0.055), (-0.08, -0.05), (0.08, -0.03), (0.32, -0.055), (0.15, -0.115), (-0.03, -0.145),
              (-0.16, -0.115)], CREAM, outline=False)  # fmt: skip
    pen.oval(0.335, -0.03, 0.035, 0.03, BLACK)
    pen.mark([(0.27, -0.085), (0.18, -0.085), (0.1, -0.06)])
    _eye(pen, 0.0, 0.035, 0.05, pose)
    _eye(pen, 0.12, 0.03, 0.042, pose)
    pen.mark([(-0.04, 0.11), (0.03, 0.115)])


def _owl(pen: Pen, pose: Pose) -> None:
    stride = _stride(pose) * 0.5
    for foot in (-0.1 - stride, 0.1 + stride):
        lift = max(0.0, stride * math.copysign(1, foot)) * 0.6
        for toe in (-0.06, 0.0, 0.06):
            pen.limb([(foot, 0.06 + lift), (foot + toe + 0.01, 0.02 + lift)], 0.028, YELLOW)
    _owl_wing(pen, pose, -1)
    tilt = 0.015 * _swing(pose) if pose.gait is Gait.WALK else 0.0
    pen.blob(
        [(-0.2, 0.07), (-0.3, 0.25), (-0.28 + tilt, 0.5), (-0.27 + tilt, 0.7), (-0.3 + tilt, 0.86),
         (-0.14 + tilt, 0.79), (0.14 + tilt, 0.79), (0.3 + tilt, 0.86), (0.27 + tilt, 0.7), (0.28 + tilt, 0.5),
         (0.3, 0.25), (0.2, 0.07), (0.0, 0.045)],
        VIOLET,
    )  # fmt: skip
    pen.blob([(-0.15, 0.09), (-0.2, 0.25), (-0.12, 0.42), (0.14, 0.42), (0.23, 0.25), (0.17, 0.09)], LILAC)
    for row, count in ((0.33, 3), (0.25, 4), (0.17, 3)):
        for number in range(count):
            x = 0.015 + 0.085 * (number - (count - 1) / 2)
            pen.mark([(x - 0.025, row + 0.02), (x, row), (x + 0.025, row + 0.02)], DARK_VIOLET)
    _owl_wing(pen, pose, 1)
    _owl_face(pen.at(0.03 + tilt, 0.6, 1.0), pose)


def _owl_wing(pen: Pen, pose: Pose, side: int) -> None:
    if pose.gait is Gait.WAVE and side == 1:
        lift = 0.05 * _swing(pose)
        hand = [(0.32, 0.62 + lift), (0.42, 0.72 + lift), (0.43, 0.56 + lift)]
        outline = [(0.24, 0.36), (0.22, 0.48), *hand, (0.36, 0.4)]
    else:
        spread = 0.03 * abs(_swing(pose))
        outline = [(0.2, 0.46), (0.28, 0.47), (0.37 + spread, 0.3), (0.36 + spread, 0.14), (0.26, 0.22)]
    pen.blob([(side * x, y) for x, y in outline], DARK_VIOLET)


def _owl_face(pen: Pen, pose: Pose) -> None:
    for x in (-0.125, 0.125):
        pen.oval(x, 0.04, 0.135, 0.14, LILAC)
        pen.oval(x, 0.04, 0.095, 0.1, YELLOW)
        if _blinks(pose):
            pen.oval(x, 0.04, 0.095, 0.1, DARK_VIOLET)
            continue
        pen.oval(x + 0.02, 0.035, 0.048, 0.055, BLACK, outline=False)
        pen.oval(x + 0.035, 0.06, 0.016, 0.018, WHITE, outline=False)
    pen.blob([(-0.04, 0.0), (0.0, 0.03), (0.05, 0.0), (0.015, -0.1)], (244, 148, 40))
    pen.polygon([(0.0, -0.16), (-0.12, -0.105), (-0.12, -0.215)], RED)
    pen.polygon([(0.0, -0.16), (0.12, -0.105), (0.12, -0.215)], RED)
    pen.oval(0.0, -0.16, 0.03, 0.03, RED)


def _frog(pen: Pen, pose: Pose) -> None:
    stride = _stride(pose) * 0.7
    for side, colour in ((-1, DARK_GREEN), (1, GREEN)):
        foot = side * 0.22 + stride
        pen.limb([(side * 0.14, 0.14), (side * 0.3, 0.2), (foot, 0.04)], 0.06, colour)
        pen.oval(foot + 0.05, 0.03, 0.12, 0.032, colour)
    pen.blob([(-0.2, 0.08), (-0.24, 0.24), (-0.16, 0.4), (0.16, 0.4), (0.24, 0.24), (0.2, 0.08), (0, 0.05)], WHITE)
    for y, half in ((0.13, 0.215), (0.22, 0.235), (0.31, 0.215)):
        pen.rectangle(-half, y, half, y + 0.045, NAVY, outline=False)
    for side in (-1, 1):
        wave = pose.gait is Gait.WAVE and side == 1
        hand = (0.38, 0.46 + 0.06 * _swing(pose)) if wave else (side * 0.3, 0.2 + 0.3 * abs(stride))
        pen.limb([(side * 0.19, 0.33), (side * 0.29, 0.3), hand], 0.05, GREEN)
        pen.oval(*hand, 0.045, 0.04, GREEN)
    for x in (-0.16, 0.16):
        pen.oval(x, 0.64, 0.09, 0.09, GREEN)
        _eye(pen, x + 0.015, 0.65, 0.065, pose)
    pen.blob([(-0.32, 0.47), (-0.24, 0.6), (0, 0.63), (0.24, 0.6), (0.32, 0.47), (0.2, 0.37), (-0.2, 0.37)], GREEN)
    pen.blob([(-0.22, 0.42), (0, 0.45), (0.22, 0.42), (0.14, 0.375), (-0.14, 0.375)], LIME, outline=False)
    pen.mark([(-0.25, 0.49), (-0.15, 0.445), (0, 0.43), (0.15, 0.445), (0.25, 0.49)])
    for x in (-0.035, 0.045):
        pen.oval(x, 0.55, 0.009, 0.009, BLACK, outline=False)


_DRAWINGS: dict[str, Callable[[Pen, Pose], None]] = {"fox": _fox, "owl": _owl, "frog": _frog}
