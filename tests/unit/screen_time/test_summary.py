"""The arithmetic of screen time."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from screen_time.classifier import Probabilities
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from screen_time.summary import LEAST_CERTAIN, Summary, margins, summarise

EXCLUSIVE = Manifest(
    labels=("neither", "jerry", "tom"),
    semantics=Semantics.EXCLUSIVE,
    nobody="neither",
    thresholds=(),
    input=InputSpec(4, 4, Fit.PAD),
    head="test",
    form="test",
    files={},
)
INDEPENDENT = Manifest(
    labels=("jerry", "tom"),
    semantics=Semantics.INDEPENDENT,
    nobody=None,
    thresholds=(0.5, 0.25),
    input=InputSpec(4, 4, Fit.PAD),
    head="test",
    form="test",
    files={},
)


def rows(*values: tuple[float, ...]) -> Probabilities:
    return np.array(values, dtype=np.float32)


@st.composite
def measured(draw: st.DrawFn, labels: int) -> tuple[list[int], Probabilities]:
    """Durations (ms) and probabilities of up to 60 samples."""
    durations = draw(st.lists(st.integers(min_value=1, max_value=5000), min_size=1, max_size=60))
    unit = st.floats(min_value=0, max_value=1, width=32)
    return durations, draw(arrays.arrays(np.float32, (len(durations), labels), elements=unit))


def everyone(summary: Summary) -> list[Any]:
    nobody = [] if summary.nobody is None else [summary.nobody]
    return [*summary.characters.values(), *nobody]


@given(measured(labels=3))
def test_exclusive_times_add_up_to_the_duration(video: tuple[list[int], Probabilities]) -> None:
    """To the millisecond, whatever the sample durations."""
    durations, probabilities = video
    summary = summarise(durations, probabilities, EXCLUSIVE)
    assert summary.duration_ms == sum(durations)
    assert sum(found.milliseconds for found in everyone(summary)) == sum(durations)


@given(measured(labels=3), st.booleans())
def test_segments_hold_exactly_the_time_on_screen(video: tuple[list[int], Probabilities], independent: bool) -> None:
    """They are in order, never touch, lie within the video, and their lengths are the total."""
    durations, probabilities = video
    manifest = INDEPENDENT if independent else EXCLUSIVE
    summary = summarise(durations, probabilities[:, : len(manifest.labels)], manifest)
    for found in everyone(summary):
        assert sum(segment.end_ms - segment.start_ms for segment in found.segments) == found.milliseconds
        ends = [0, *(segment.end_ms for segment in found.segments)]
        starts = [*(segment.start_ms for segment in found.segments), summary.duration_ms + 1]
        assert all(end < start for end, start in zip(ends[1:], starts[1:], strict=True))
        assert ends[-1] <= summary.duration_ms


@given(measured(labels=2))
def test_independent_characters_and_nobody_cover_the_video(video: tuple[list[int], Probabilities]) -> None:
    """Jerry + Tom - both + nobody is the whole duration."""
    durations, probabilities = video
    summary = summarise(durations, probabilities, INDEPENDENT)
    assert summary.nobody is not None
    alone_or_not = sum(found.milliseconds for found in summary.characters.values())
    assert alone_or_not - summary.together[0].milliseconds + summary.nobody.milliseconds == sum(durations)


def test_the_most_probable_label_counts() -> None:
    """One label a sample, each sample with its own duration."""
    probabilities = rows((0.1, 0.8, 0.1), (0.1, 0.7, 0.2), (0.2, 0.2, 0.6), (0.9, 0.1, 0.0), (0.0, 1.0, 0.0))
    summary = summarise([1000, 1000, 1000, 1000, 250], probabilities, EXCLUSIVE)
    jerry = summary.characters["jerry"]
    assert jerry.milliseconds == 2250
    assert [(segment.start_ms, segment.end_ms) for segment in jerry.segments] == [(0, 2000), (4000, 4250)]
    assert jerry.mean_confidence is not None
    assert abs(jerry.mean_confidence - (0.8 + 0.7 + 0.25 * 1.0) / 2.25) < 1e-6
    assert summary.characters["tom"].milliseconds == 1000
    assert summary.nobody is not None
    assert summary.nobody.milliseconds == 1000
    assert summary.together == ()


def test_each_threshold_counts_for_its_own_character() -> None:
    """Two characters may share a sample."""
    probabilities = rows((0.5, 0.25), (0.49, 0.9), (0.49, 0.24))
    summary = summarise([1000, 1000, 500], probabilities, INDEPENDENT)
    assert summary.characters["jerry"].milliseconds == 1000
    assert summary.characters["tom"].milliseconds == 2000
    assert summary.together[0].characters == ("jerry", "tom")
    assert summary.together[0].milliseconds == 1000
    assert summary.nobody is not None
    assert summary.nobody.milliseconds == 500


def test_exclusive_thresholds_weigh_the_labels_against_each_other() -> None:
    """Jerry counts from two thirds of what the others need; confidence stays his probability."""
    manifest = replace(EXCLUSIVE, thresholds=(1.2, 0.8, 1.2))
    probabilities = rows((0.2, 0.35, 0.45), (0.2, 0.3, 0.5), (0.4, 0.3, 0.3))
    summary = summarise([1000, 1000, 1000], probabilities, manifest)
    jerry = summary.characters["jerry"]
    assert jerry.milliseconds == 2000
    assert jerry.mean_confidence is not None
    assert abs(jerry.mean_confidence - 0.325) < 1e-6
    assert [found.milliseconds for found in everyone(summary)] == [2000, 1000, 0]


@given(measured(labels=3))
def test_equal_thresholds_are_none(video: tuple[list[int], Probabilities]) -> None:
    """For decisions as for margins, which stay below 1 for probabilities that add up to 1."""
    durations, drawn = video
    probabilities = (drawn + np.float32(1e-3)) / (drawn + np.float32(1e-3)).sum(axis=1, keepdims=True)
    equal = replace(EXCLUSIVE, thresholds=(1.0, 1.0, 1.0))
    assert np.allclose(margins(probabilities, equal), margins(probabilities, EXCLUSIVE), atol=1e-6)
    skewed = margins(probabilities, replace(EXCLUSIVE, thresholds=(0.5, 1.0, 2.0)))
    assert ((skewed >= 0) & (skewed <= 1 + 1e-6)).all()
    del durations


@given(measured(labels=3), st.booleans(), st.floats(min_value=1, max_value=1000))
def test_intervals_hold_the_seconds_and_lie_within_the_video(
    video: tuple[list[int], Probabilities], independent: bool, dispersion: float
) -> None:
    """Whatever the model answers, and however unsure it is; a larger dispersion never narrows them."""
    durations, probabilities = video
    manifest = INDEPENDENT if independent else EXCLUSIVE
    answered = probabilities[:, : len(manifest.labels)]
    widths = []
    for factor in (1.0, dispersion):
        summary = summarise(durations, answered, replace(manifest, dispersions=(factor,) * 3))
        for found in everyone(summary):
            assert found.interval_ms is not None
            low, high = found.interval_ms
            assert 0 <= low <= found.milliseconds <= high <= summary.duration_ms
        widths.append([each.interval_ms[1] - each.interval_ms[0] for each in everyone(summary)])
    assert all(narrow <= wide for narrow, wide in zip(*widths, strict=True))


def test_an_interval_by_hand() -> None:
    """100 seconds at 0.8, all counted: 80 plus and minus 1.645 · √(4 · 100 · 0.16) = 13.2, and up to the 100."""
    manifest = replace(INDEPENDENT, dispersions=(4.0, 1.0, 1.0))
    summary = summarise([1000] * 100, rows(*[(0.8, 0.0)] * 100), manifest)
    assert summary.characters["jerry"].interval_ms == (66_841, 100_000)
    assert summary.characters["tom"].interval_ms == (0, 0)
    assert summary.nobody is not None
    assert summary.nobody.interval_ms == (0, 26_579)


def test_without_dispersions_there_is_no_interval() -> None:
    """A model that does not know how sure it is does not pretend."""
    assert all(found.interval_ms is None for found in everyone(summarise([1000], rows((0.2, 0.8, 0)), EXCLUSIVE)))


def test_a_character_never_seen_has_no_time_and_no_confidence() -> None:
    """No division by nothing."""
    summary = summarise([1000], rows((1.0, 0.0, 0.0)), EXCLUSIVE)
    assert summary.characters["tom"].milliseconds == 0
    assert summary.characters["tom"].mean_confidence is None
    assert summary.characters["tom"].segments == ()


@given(measured(labels=3))
def test_the_least_certain_samples_come_first(video: tuple[list[int], Probabilities]) -> None:
    """At most ten, by rising margin, and no other sample is less certain."""
    durations, probabilities = video
    summary = summarise(durations, probabilities, EXCLUSIVE)
    leads = margins(probabilities, EXCLUSIVE)
    named = [float(leads[index]) for index in summary.least_certain]
    assert named == sorted(leads.tolist())[:LEAST_CERTAIN]
