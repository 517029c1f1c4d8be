"""A video measured in segments, whose partials went through JSON, is the video measured at once."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from demo.clips import ClipSpec, Codec, Picture, at_rate, write_clip
from screen_time.classifier import Classifier
from screen_time.decoding import InProcessDecoder
from screen_time.documents import ModelIdentity, Request, VideoSource, frames_csv, result_document
from screen_time.measurement import Measurement, measure, outline
from screen_time.merging import PartialsError, SeamError, in_order, merged
from screen_time.partials import Partial, Segment
from screen_time.planning import cut
from screen_time.samples import Extent, Part
from screen_time.serialisation import dumps, loads
from tests.models import write_colour_model

MODEL = ModelIdentity("screen-time", "3", "champion", None, "digest")
INTERVAL_MS = 250
FRAMES = 1000

KINDS = {
    "film.mp4": ClipSpec(frame_rate=Fraction(24000, 1001), b_frames=2, gop=24, audio=True),
    "film.mkv": ClipSpec(b_frames=2, gop=24, start=Fraction(5, 2)),
    "web.webm": ClipSpec(codec=Codec.VP9, gop=40),
    "no-cues.mkv": ClipSpec(cues=False),
    "one-gop.mp4": ClipSpec(gop=10_000),
    "old.avi": ClipSpec(codec=Codec.MPEG4, b_frames=2),
}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """Tells the colours of a frame apart, by degrees."""
    directory = tmp_path_factory.mktemp("model")
    return Classifier(directory, write_colour_model(directory))


def pictures() -> Iterator[Picture]:
    """Colours that drift, so that every sample has an answer of its own."""
    for number in range(FRAMES):
        colour = [127 + 120 * np.sin(number / period) for period in (17, 71, 230)]
        yield np.full((48, 64, 3), colour, dtype=np.uint8)


@pytest.fixture(scope="module", params=KINDS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of one kind."""
    spec = KINDS[request.param]
    path = tmp_path_factory.mktemp("clips") / request.param
    return write_clip(path, spec, at_rate(spec.frame_rate, pictures()))


def partial(measurement: Measurement, number: int = 0, part: Part | None = None) -> Partial:
    return Partial("execution", "etag", MODEL, Segment(number, part or Part()), measurement)


def through_json(measurement: Measurement) -> Measurement:
    return loads(Partial, dumps(partial(measurement))).measurement


@pytest.fixture(scope="module")
def measured(clip: Path, classifier: Classifier) -> Callable[[Part], Measurement]:
    """Measures a part of the clip, once."""
    here = InProcessDecoder()  # a child process for each of so many parts would take most of the test's time
    return cache(lambda part: through_json(measure(clip, classifier, INTERVAL_MS, part=part, decoder=here)))


def documents(measurement: Measurement, classifier: Classifier) -> tuple[object, bytes]:
    """All that is written of a measurement but when and how fast."""
    source = VideoSource("videos", "v.mp4", "1", "etag", 1)
    written = result_document(source, MODEL, classifier.manifest, measurement, Request("r", {}))
    for name in ("measured_at", "timings", "counters"):
        del written[name]
    return written, frames_csv(measurement, classifier.manifest)


def test_the_merged_result_is_that_of_one_invocation(
    clip: Path, measured: Callable[[Part], Measurement], classifier: Classifier
) -> None:
    """For one to forty segments, cut as a plan cuts: the same documents, probabilities and moments to show."""
    whole = measure(clip, classifier, INTERVAL_MS)
    found = outline(clip)
    for count in range(1, 41):
        parts = cut(found, INTERVAL_MS, count)
        joined = merged([measured(part) for part in parts], classifier.manifest)
        assert np.array_equal(joined.probabilities, whole.probabilities), count
        assert documents(joined, classifier) == documents(whole, classifier), count
        assert joined.highlights == whole.highlights, count
        assert (joined.extent, joined.info) == (whole.extent, whole.info), count


def test_a_clip_with_an_index_is_cut_and_one_without_is_not(clip: Path) -> None:
    """What has to be read from its start is one segment, which is right and shares nothing."""
    parts = cut(outline(clip), INTERVAL_MS, 8)
    assert len(parts) == (8 if clip.name in ("film.mp4", "film.mkv", "web.webm") else 1)


# ---- What is no whole


@pytest.fixture(scope="module")
def halves(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> list[Measurement]:
    """A clip in two segments."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_clip(path, ClipSpec(gop=25), at_rate(Fraction(25), itertools.islice(pictures(), 200)))
    return [measure(path, classifier, INTERVAL_MS, part=part) for part in (Part(0, 16), Part(16, None))]


SEGMENTS = [Segment(0, Part(0, 16)), Segment(1, Part(16, None))]


def joined(*partials: Partial | None) -> list[Measurement]:
    return in_order(partials, SEGMENTS, "execution", "etag", MODEL)


def test_partials_are_put_in_order(halves: list[Measurement]) -> None:
    """In whatever order they are found."""
    first, second = (Partial("execution", "etag", MODEL, *pair) for pair in zip(SEGMENTS, halves, strict=True))
    assert joined(second, first) == halves


def test_a_missing_a_doubled_and_a_foreign_partial_are_refused(halves: list[Measurement]) -> None:
    """Nothing is made of what is not exactly the plan's segments, by the plan's model, of the plan's object."""
    first, second = (Partial("execution", "etag", MODEL, *pair) for pair in zip(SEGMENTS, halves, strict=True))
    with pytest.raises(PartialsError, match=r"no partial of the segments \[1\]"):
        joined(first)
    with pytest.raises(PartialsError, match="two partials of segment 0"):
        joined(first, second, first)
    with pytest.raises(PartialsError, match="segment 7 that was not planned"):
        joined(first, second, replace(second, segment=Segment(7, Part(16, None))))
    for foreign in (
        replace(second, execution="other"),
        replace(second, etag="other"),
        replace(second, model=replace(MODEL, version="4")),
        None,
    ):
        with pytest.raises(PartialsError, match="something else"):
            joined(first, foreign)


def test_segments_that_do_not_meet_are_refused(halves: list[Measurement], classifier: Classifier) -> None:
    """Both neighbours have seen the frame between them; where they saw different ones, one of them is wrong."""
    first, second = halves
    assert first.extent is not None
    assert second.extent is not None
    later = Extent(second.extent.first_frame + 1, None)
    nothing = replace(second, extent=None)
    for parts in (
        [first, replace(second, extent=later)],
        [first, nothing],
        [replace(first, extent=Extent(Fraction(0), None)), second],
        [nothing, second],
        [first, nothing, second],
    ):
        with pytest.raises(SeamError):
            merged(parts, classifier.manifest)
