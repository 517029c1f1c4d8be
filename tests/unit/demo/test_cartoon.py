"""What is drawn is what the script says."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from demo.cartoon import Cartoon
from demo.characters import draw_character
from demo.pen import Pen
from demo.script import FIRST_STYLE, SECOND_STYLE, SIZES, Gait, Pose, Role, Script, Style
from demo.storyboard import Plot, write_storyboard

WIDTH, HEIGHT = 240, 135
STYLES = [FIRST_STYLE, SECOND_STYLE]


def episode(style: Style = FIRST_STYLE, seconds: float = 60) -> Script:
    return write_storyboard(Plot(seed=3, seconds=seconds, style=style, cast=("fox", "owl", "frog"), together=True))


def drawn_pixels(cartoon: Cartoon, time: Fraction, name: str) -> int:
    """Pixels that differ when the character stays away."""
    return int(np.any(cartoon.frame(time) != cartoon.frame(time, without={name}), axis=2).sum())


def whole_pixels(pose: Pose, name: str, style: Style) -> int:
    """Pixels of the whole character with nothing around it."""
    canvas = np.full((3 * HEIGHT, 5 * HEIGHT, 3), 1, dtype=np.uint8)
    draw_character(Pen(canvas, style, (2.5 * HEIGHT - pose.x * HEIGHT, 2.0 * HEIGHT), HEIGHT, 1), name, pose)
    return int(np.any(canvas != 1, axis=2).sum())


def role_of(script: Script, time: Fraction, name: str) -> Role | None:
    return next((role for role in script.shot(time).roles if role.character == name), None)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_presence_agrees_with_the_pixels_of_every_frame(style: Style) -> None:
    """Present means a clear part of the character is drawn; absent at a whole second means not one pixel is."""
    script = episode(style)
    cartoon = Cartoon(script, WIDTH, HEIGHT)
    checked = 0
    for index, name in itertools.product(range(60 * 4), script.cast):
        time = Fraction(index, 4)
        role = role_of(script, time, name)
        if role is None:
            assert name not in script.presence(time)
            continue
        drawn = drawn_pixels(cartoon, time, name)
        whole = whole_pixels(role.pose(float(time)), name, style)
        if name in script.presence(time):
            assert drawn > 0.2 * whole, (time, name, drawn / whole)
            checked += 1
        else:
            assert drawn <= (0 if time.denominator == 1 else 0.55 * whole), (time, name, drawn / whole)
    assert checked > 60


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("gait", Gait)
def test_characters_stay_within_their_box(name: str, gait: Gait) -> None:
    """Presence is reckoned with boxes: a character drawn beyond its own would be seen while it is absent."""
    size = 200
    width, height = (side * size for side in SIZES[name])
    for phase, faces_left in itertools.product(np.linspace(0, 3, 16), (False, True)):
        canvas = np.zeros((2 * size, 2 * size, 3), dtype=np.uint8)
        pose = Pose(1.0, 0.5, 1.0, faces_left, gait, float(phase))
        draw_character(Pen(canvas, FIRST_STYLE, (0, 2 * size), size, 1), name, pose)
        rows, columns = np.nonzero(canvas.any(axis=2))
        margin = 0.1 * size
        assert size - width / 2 - margin <= columns.min() <= columns.max() <= size + width / 2 + margin
        assert 1.5 * size - height - margin <= rows.min() <= rows.max() <= 1.5 * size + 0.02 * size


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_the_picture_fills_its_aspect_and_leaves_the_bars_black(style: Style) -> None:
    """16:9 fills the frame; 3:2 stands between two even black bars."""
    bar = (640 - round(360 * style.aspect)) // 2
    for _, frame in itertools.islice(Cartoon(episode(style)).frames(Fraction(2)), 0, None, 7):
        assert frame.shape == (360, 640, 3)
        assert not frame[:, :bar].any()
        assert not frame[:, 640 - bar :].any()
        assert frame[:, bar : 640 - bar].any(axis=(0, 2)).all()


def test_cards_show_nobody() -> None:
    """A title is words only."""
    script = episode()
    cards = [shot for shot in script.shots if shot.title]
    assert [card.title for card in cards] == ["Thistle Hill", "The End"]
    assert all(not script.presence(card.start) and not card.roles for card in cards)


def test_equal_scripts_are_drawn_equally_in_any_order() -> None:
    """A frame depends on the script and the time alone, not on what was drawn before it."""
    forwards, backwards = Cartoon(episode(), WIDTH, HEIGHT), Cartoon(episode(), WIDTH, HEIGHT)
    times = [Fraction(index * 5, 3) for index in range(30)]
    ahead = [forwards.frame(time) for time in times]
    back = [backwards.frame(time) for time in reversed(times)]
    assert all(np.array_equal(one, other) for one, other in zip(ahead, reversed(back), strict=True))


def test_shots_move() -> None:
    """No shot but a card is a still."""
    script = episode()
    cartoon = Cartoon(script, WIDTH, HEIGHT)
    for shot in script.shots:
        still = np.array_equal(cartoon.frame(shot.start), cartoon.frame(shot.end - 0.1))
        assert still == (shot.title is not None)
