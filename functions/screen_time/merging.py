"""The parts of a video, measured apart, as the one measurement that one invocation would have made."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise, takewhile
from typing import TypeVar

import numpy as np

from screen_time import highlights
from screen_time.decoding import Counters
from screen_time.documents import ModelIdentity
from screen_time.errors import ScreenTimeError
from screen_time.manifest import Manifest
from screen_time.measurement import Measurement, Timings
from screen_time.partials import Partial, Segment

Figures = TypeVar("Figures", Counters, Timings)


class PartialsError(ScreenTimeError):
    """A partial is missing, there twice, or of something else."""


class SeamError(ScreenTimeError):
    """Two neighbours do not meet: where one ends, the other did not begin. Measured in one piece there are no seams."""


def in_order(
    partials: Sequence[Partial | None], segments: Sequence[Segment], execution: str, etag: str, model: ModelIdentity
) -> list[Measurement]:
    """The measurements of `segments`, of which each has exactly one partial; raises PartialsError where not."""
    found: dict[Segment, Measurement] = {}
    for partial in partials:
        if partial is None or (partial.execution, partial.etag, partial.model) != (execution, etag, model):
            raise PartialsError("There is a partial of something else.")
        if partial.segment not in segments:
            raise PartialsError(f"There is a partial of a segment {partial.segment.number} that was not planned.")
        if partial.segment in found:
            raise PartialsError(f"There are two partials of segment {partial.segment.number}.")
        found[partial.segment] = partial.measurement
    if missing := [segment.number for segment in segments if segment not in found]:
        raise PartialsError(f"There is no partial of the segments {missing}.")
    return [found[segment] for segment in segments]


def merged(parts: Sequence[Measurement], manifest: Manifest) -> Measurement:
    """The whole video's measurement, of its parts in order; raises SeamError where they do not fit each other.

    Counters and timings are sums: what was decoded twice was decoded twice.
    """
    _check_seams(parts)
    first = parts[0]
    return Measurement(
        info=first.info,
        interval_ms=first.interval_ms,
        start_ms=tuple(start for part in parts for start in part.start_ms),
        durations_ms=tuple(duration for part in parts for duration in part.durations_ms),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        highlights=highlights.merged((part.highlights for part in parts), manifest),
        counters=_summed([part.counters for part in parts]),
        timings=_summed([part.timings for part in parts]),
        extent=first.extent and replace(first.extent, next_frame=None),
    )


def _summed(values: Sequence[Figures]) -> Figures:
    """Dataclasses of numbers, added up field by field; what one of them tells to be true is true."""
    columns = {field.name: [getattr(value, field.name) for value in values] for field in fields(values[0])}
    totals = {name: any(column) if isinstance(column[0], bool) else sum(column) for name, column in columns.items()}
    return type(values[0])(**totals)


def _check_seams(parts: Sequence[Measurement]) -> None:
    """Each part ends at the frame that the next one begins with; behind the one where the video ends is nothing."""
    extents = [part.extent for part in parts]
    if extents[0] is None:
        raise SeamError("The first part is empty.")
    shown = [extent for extent in takewhile(lambda extent: extent is not None, extents) if extent is not None]
    if any(extent is not None for extent in extents[len(shown) :]):
        raise SeamError("There is a part without samples in front of one that has some.")
    for number, (one, other) in enumerate(pairwise(shown)):
        if one.next_frame != other.first_frame:
            raise SeamError(f"Part {number} ends at the frame of {one.next_frame} s, not of {other.first_frame} s.")
    if shown[-1].next_frame is not None:
        raise SeamError(f"The video does not end with part {len(shown) - 1}.")
