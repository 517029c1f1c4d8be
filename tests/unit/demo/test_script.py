"""Who is visible is a matter of geometry, and these are its rules."""

from fractions import Fraction

import pytest

from demo.script import (
    FIRST_STYLE,
    SECOND_STYLE,
    Box,
    Cover,
    CoverKind,
    Gait,
    Place,
    Role,
    Script,
    Shot,
    Waypoint,
    position,
)

OWL_WIDTH, OWL_HEIGHT = 0.43, 0.43  # at a scale of 0.5


def owl_script(x: float, cover: Cover | None = None) -> Script:
    """A shot of a second in which the owl stands at `x`."""
    role = Role("owl", (Waypoint(0, x, 0.1),), 0.5, faces_left=False, gait=Gait.STAND)
    return Script(("fox", "owl"), FIRST_STYLE, (Shot(0, 1, Place.ROOM, 1, (role,), cover=cover),))


@pytest.mark.parametrize(("share", "visible"), [(0.0, False), (0.25, False), (0.35, True), (1.0, True)])
def test_a_character_at_the_edge_is_visible_from_a_share_on(share: float, visible: bool) -> None:
    """Less than 0.3 of its box inside the picture does not count."""
    script = owl_script(OWL_WIDTH * (share - 0.5))
    assert script.visible_share("owl", 0) == pytest.approx(share)
    assert script.presence(0) == ({"owl"} if visible else set())


@pytest.mark.parametrize(("covered", "visible"), [(0.5, True), (0.65, True), (0.75, False), (1.2, False)])
def test_a_character_behind_something_is_visible_as_far_as_it_looks_over_it(covered: float, visible: bool) -> None:
    """A cover hides what it overlaps, and nothing else."""
    cover = Cover(CoverKind.WALL, Box(0.5, 0, 1.5, 0.1 + covered * OWL_HEIGHT))
    script = owl_script(1.0, cover)
    assert script.visible_share("owl", 0) == pytest.approx(max(0.0, 1 - covered))
    assert script.presence(0) == ({"owl"} if visible else set())


def test_a_cover_beside_a_character_hides_nothing() -> None:
    """Nor does one that is outside the picture, where nobody is seen anyway."""
    assert owl_script(1.0, Cover(CoverKind.CRATE, Box(0, 0, 0.5, 1))).visible_share("owl", 0) == pytest.approx(1)
    assert owl_script(0.0, Cover(CoverKind.CRATE, Box(-1, 0, 0, 1))).visible_share("owl", 0) == pytest.approx(0.5)


def test_cuts_belong_to_the_shot_that_they_begin() -> None:
    """As a frame at the time of a cut already shows the new shot."""
    one, two = Shot(0, 1.5, Place.ROOM, 1), Shot(1.5, 3, Place.TOWN, 2)
    script = Script((), FIRST_STYLE, (one, two))
    assert [script.shot(time) for time in (0, Fraction(35, 24), Fraction(3, 2), 2.9, 3)] == [one, one, two, two, two]


def test_paths_are_straight_between_waypoints_and_end_at_them() -> None:
    """Still before the first and after the last."""
    path = (Waypoint(1, 0, 0), Waypoint(2, 1, 0.5), Waypoint(4, 1, 0.1))
    assert [position(path, time) for time in (0, 1, 1.5, 2, 3, 4, 9)] == [
        (0, 0), (0, 0), (0.5, 0.25), (1, 0.5), (1, pytest.approx(0.3)), (1, 0.1), (1, 0.1),
    ]  # fmt: skip


def test_a_walking_character_faces_where_it_goes() -> None:
    """Whatever its role says of standing."""
    path = (Waypoint(0, 1, 0), Waypoint(1, 0, 0))
    role = Role("fox", path, 0.5, faces_left=False, gait=Gait.WAVE)
    assert (role.pose(0.5).faces_left, role.pose(0.5).gait) == (True, Gait.WALK)
    assert (role.pose(2).faces_left, role.pose(2).gait) == (False, Gait.WAVE)


def test_seconds_on_screen_count_frames() -> None:
    """A character seen for a whole shot of a second has a second."""
    assert owl_script(1.0).seconds_on_screen() == {"fox": 0.0, "owl": 1.0}


def test_styles_grade_colours_differently_and_leave_grey_tones_in_range() -> None:
    """The first style shows colours as they are, the second fades them; no channel leaves 0 … 255."""
    assert FIRST_STYLE.grade((238, 124, 44)) == (238, 124, 44)
    red, green, blue = SECOND_STYLE.grade((238, 124, 44))
    assert red - blue < 238 - 44
    assert all(0 <= channel <= 255 for colour in ((0, 0, 0), (255, 255, 255)) for channel in SECOND_STYLE.grade(colour))
    assert green > 100
