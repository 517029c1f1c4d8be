"""Every episode that can be invented keeps what its labels promise."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.script import FIRST_STYLE, SECOND_STYLE, VISIBLE_SHARE, Script
from demo.storyboard import Plot, write_storyboard

plots = st.builds(
    Plot,
    seed=st.integers(0, 2**31),
    seconds=st.floats(1, 200) | st.integers(1, 200).map(float),
    style=st.sampled_from([FIRST_STYLE, SECOND_STYLE]),
    cast=st.sampled_from([("fox", "owl"), ("owl", "fox", "frog"), ("frog",)]),
    together=st.booleans(),
)
any_plot = settings(max_examples=40, deadline=None)


def frames(script: Script, rate: int = 24) -> list[float]:
    return [index / rate for index in range(math.ceil(script.seconds * rate))]


@any_plot
@given(plots)
def test_shots_follow_each_other_without_a_gap(plot: Plot) -> None:
    """Every moment from 0 to the asked length belongs to one shot."""
    shots = write_storyboard(plot).shots
    assert shots[0].start == 0
    assert shots[-1].end == plot.seconds
    assert all(before.end == after.start for before, after in itertools.pairwise(shots))
    assert all(shot.start < shot.end for shot in shots)


@any_plot
@given(plots)
def test_a_frame_each_second_is_never_ambiguous(plot: Plot) -> None:
    """At whole seconds a character is clearly visible or not at all: nobody can argue about a label."""
    script = write_storyboard(plot)
    for second in range(math.ceil(plot.seconds)):
        for name in plot.cast:
            share = script.visible_share(name, second)
            assert share == 0 or share > VISIBLE_SHARE + 0.05, (second, name, share)


@any_plot
@given(plots)
def test_exclusive_episodes_never_show_two_at_once(plot: Plot) -> None:
    """Without `together` the labels are exclusive at every frame, not only at whole seconds."""
    script = write_storyboard(plot)
    most = max(len(script.presence(time)) for time in frames(script))
    assert most <= (2 if plot.together else 1)


@any_plot
@given(plots)
def test_equal_plots_give_equal_scripts(plot: Plot) -> None:
    """An episode can be made again from its plot alone."""
    assert write_storyboard(plot) == write_storyboard(plot)


def test_another_seed_is_another_episode() -> None:
    """The seed decides."""
    assert write_storyboard(Plot(seed=1)) != write_storyboard(Plot(seed=2))


@pytest.mark.parametrize("seed", range(5))
def test_everybody_and_nobody_get_their_time(seed: int) -> None:
    """Training needs each class: none has less than a sixth of the frames of an ordinary episode."""
    script = write_storyboard(Plot(seed=seed, seconds=90))
    seconds = script.seconds_on_screen()
    nobody = 90 - sum(seconds.values())
    assert all(value >= 15 for value in (*seconds.values(), nobody)), (seconds, nobody)


@pytest.mark.parametrize("seed", range(5))
def test_places_do_not_tell_who_is_there(seed: int) -> None:
    """Each character visits all places before it returns to one."""
    script = write_storyboard(Plot(seed=seed, seconds=300))
    visits: dict[str, Counter[str]] = {}
    for shot in script.shots:
        for role in shot.roles:
            visits.setdefault(role.character, Counter())[shot.place] += 1
    assert all(len(places) == 6 and max(places.values()) - min(places.values()) <= 1 for places in visits.values())


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_character_is_rare_but_there(seed: int) -> None:
    """Some screen time, and less than a third of anybody else's."""
    seconds = write_storyboard(Plot(seed, 240, cast=("fox", "owl", "frog"), rare=("frog",))).seconds_on_screen()
    assert 0 < seconds["frog"] < min(seconds["fox"], seconds["owl"]) / 1.5


def test_together_shows_two_at_once() -> None:
    """Episodes for independent labels have frames with two characters."""
    script = write_storyboard(Plot(together=True))
    assert any(len(script.presence(second)) == 2 for second in range(90))


def test_comings_goings_and_hidings_happen_within_shots() -> None:
    """Presence changes between cuts too, not only at them."""
    script = write_storyboard(Plot(seconds=200))
    changes = [
        shot.start
        for shot in script.shots
        if len({script.presence(time) for time in frames(script) if shot.start <= time < shot.end}) > 1
    ]
    assert len(changes) >= 3


def test_unknown_characters_are_refused() -> None:
    """The message names whom nobody can draw."""
    with pytest.raises(ValueError, match="griffin"):
        Plot(cast=("fox", "griffin"))


@pytest.mark.parametrize("plot", [{"seconds": 0}, {"rare": ("frog",)}])
def test_impossible_plots_are_refused(plot: dict[str, object]) -> None:
    """No length, or a rare character outside the cast."""
    with pytest.raises(ValueError, match="rare characters must be of the cast, and an episode needs a length"):
        Plot(**plot)  # type: ignore[arg-type]
