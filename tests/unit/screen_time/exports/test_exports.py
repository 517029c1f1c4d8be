"""Exports say what the JSON says: each is read back with a parser that had no part in writing it."""

import csv
import io
import json
import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import opentimelineio
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from screen_time.documents import Document
from screen_time.export_format import ExportFormat
from screen_time.exports import export, only
from screen_time.exports.stretches import casts
from screen_time.exports.timecode import RATES, Timecode, nearest
from tests.results import measured, scenes

NTSC = Fraction(1000, 1001)
FILM, NTSC_30, NTSC_60 = 24 * NTSC, 30 * NTSC, 60 * NTSC
RATE_PARAMETERS = [FILM, Fraction(24), Fraction(25), NTSC_30, Fraction(30), Fraction(50), NTSC_60, Fraction(60)]
HOSTILE = 'jerry --> "<b>&\n\nNOTE x, \u2028'

each_rate = pytest.mark.parametrize("rate", RATE_PARAMETERS, ids=lambda rate: f"{float(rate):.3f}")


def result(rate: Fraction | None = Fraction(25), seconds: int = 4000, characters: int = 2) -> Document:
    """More than an hour, so that timecode has all its parts, with an end between two seconds."""
    labels = ("jerry", "tom", "spike")[:characters]
    return measured(scenes(seconds, characters), labels, frame_rate=rate, last_ms=480).document


def json_segments(document: Document) -> dict[str, list[tuple[float, float]]]:
    return {
        name: [(each["start"], each["end"]) for each in found["segments"]]
        for name, found in document["characters"].items()
    }


def one(document: Document, form: str, name: str) -> str:
    return export(document, [ExportFormat(form)])[name].decode()


def cues_of(text: str) -> list[webvtt.Caption]:
    return list(webvtt.from_string(text).captions)


def frames_of_label(label: str, rate: Fraction) -> int:
    """A timecode's frame by the standard's own arithmetic: two (four) labels a minute are left out, but each tenth."""
    hours, minutes, seconds, frames = map(int, re.split("[:;]", label))
    base = round(rate)
    count = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if ";" in label:
        whole = hours * 60 + minutes
        count -= base // 15 * (whole - whole // 10)
    return count


def test_csv_has_every_segment_to_the_millisecond() -> None:
    """Read by Python's reader."""
    document = result()
    rows = list(csv.DictReader(io.StringIO(one(document, "csv", "segments.csv"))))
    for name, expected in json_segments(document).items():
        assert [(float(row["start"]), float(row["end"])) for row in rows if row["character"] == name] == expected
    assert all(float(row["seconds"]) == pytest.approx(float(row["end"]) - float(row["start"])) for row in rows)


def test_webvtt_metadata_has_every_segment_to_the_millisecond() -> None:
    """Read by webvtt-py; the cues' text is JSON."""
    document = result()
    cues = cues_of(one(document, "vtt", "metadata.vtt"))
    exact = {
        name: [(_seconds(cue.start), _seconds(cue.end)) for cue in cues if json.loads(cue.text)["character"] == name]
        for name in ("jerry", "tom")
    }
    assert exact == json_segments(document)


def _seconds(time: str) -> float:
    hours, minutes, seconds = time.split(":")
    return round(int(hours) * 3600 + int(minutes) * 60 + float(seconds), 3)


def test_webvtt_chapters_do_not_overlap_and_name_everybody() -> None:
    """Each chapter holds those who are on screen all through it."""
    document = result()
    cues = cues_of(one(document, "vtt", "chapters.vtt"))
    assert all(_seconds(one.end) <= _seconds(other.start) for one, other in pairwise(cues))
    for name, expected in json_segments(document).items():
        mine = [(_seconds(cue.start), _seconds(cue.end)) for cue in cues if name in cue.text.split(", ")]
        assert _connected(mine) == expected


def _connected(stretches: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Neighbours that touch, as one."""
    joint: list[tuple[Any, Any]] = []
    for start, end in stretches:
        if joint and joint[-1][1] == start:
            joint[-1] = (joint[-1][0], end)
        else:
            joint.append((start, end))
    return joint


@each_rate
def test_edl_is_read_back_by_opentimelineio_s_adapter(rate: Fraction) -> None:
    """One track; its clips are where the JSON has somebody, to the nearest frame, and no frame is in two."""
    document = only(result(rate), ["jerry"])
    timeline = opentimelineio.adapters.read_from_string(
        one(document, "edl", "segments.edl"), "cmx_3600", rate=float(rate)
    )
    (track,) = timeline.tracks
    places = track.range_of_all_children()
    clips = track.find_clips()
    # The adapter's track begins with its first event; from there on it is the video.
    begin = clips[0].source_range.start_time
    assert all(places[clip].start_time + begin == clip.source_range.start_time for clip in clips)
    spans = [
        (clip.source_range.start_time.to_frames(), clip.source_range.end_time_exclusive().to_frames()) for clip in clips
    ]
    assert spans == [(_frame(start, rate), _frame(end, rate)) for start, end in json_segments(document)["jerry"]]


def _frame(seconds: float, rate: Fraction) -> int:
    return round(Fraction(round(seconds * 1000), 1000) * rate)


@each_rate
def test_edl_s_labels_are_the_standard_s(rate: Fraction) -> None:
    """Drop frame for 29.97 and 59.94 and for nothing else, said in the head and by the labels' semicolon."""
    document = only(result(rate), ["jerry"])
    text = one(document, "edl", "segments.edl")
    drops = rate in (30 * NTSC, 60 * NTSC)
    assert f"FCM: {'' if drops else 'NON-'}DROP FRAME" in text.splitlines()
    events = re.findall(r"^\d{3,}  \S+ +V +C +(\S+) (\S+) (\S+) (\S+)$", text, re.MULTILINE)
    assert all(
        (source_in, source_out) == (record_in, record_out) for source_in, source_out, record_in, record_out in events
    )
    assert all((";" in label) is drops for event in events for label in event)
    found = [(frames_of_label(event[0], rate), frames_of_label(event[1], rate)) for event in events]
    assert found == [(_frame(start, rate), _frame(end, rate)) for start, end in json_segments(document)["jerry"]]


def test_drop_frame_keeps_to_the_clock() -> None:
    """After an hour at 29.97 the label says one hour; without dropping it would be 3.6 seconds behind."""
    assert Timecode(30 * NTSC).label(Timecode(30 * NTSC).frame(3_600_000)) == "01:00:00;00"
    assert Timecode(60 * NTSC).label(Timecode(60 * NTSC).frame(3_600_000)) == "01:00:00;00"
    assert Timecode(24 * NTSC).label(Timecode(24 * NTSC).frame(3_600_000)) == "00:59:56:10"
    assert Timecode(30 * NTSC).label(1800) == "00:01:00;02"


def test_characters_together_share_an_event() -> None:
    """An EDL has one video track: it is cut wherever somebody comes or goes."""
    rows = [[0.9, 0.1]] * 2 + [[0.9, 0.8]] * 2 + [[0.1, 0.8]] + [[0.1, 0.1]] * 3 + [[0.9, 0.1]]
    document = measured(rows).document
    text = one(document, "edl", "segments.edl")
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=25)
    comments = [clip.metadata["cmx_3600"]["comments"] for clip in timeline.find_clips()]
    jerry, tom = "COMMENT: jerry (0.90)", "COMMENT: tom (0.80)"
    assert [list(each) for each in comments] == [[jerry], [jerry, tom], [tom], [jerry]]
    assert [clip.source_range.duration.to_seconds() for clip in timeline.find_clips()] == [2, 2, 1, 1]
    assert {clip.name for clip in timeline.find_clips()} == {"ep 1.mp4"}


@each_rate
def test_otio_is_read_back_by_its_own_library(rate: Fraction) -> None:
    """A track a character; each clip lies in the timeline where it is in the video, its end exclusive."""
    document = result(rate, characters=3)
    timeline = opentimelineio.adapters.read_from_string(one(document, "otio", "timeline.otio"), "otio_json")
    assert [track.name for track in timeline.tracks] == ["jerry", "tom", "spike"]
    for track in timeline.tracks:
        clips, places = track.find_clips(), track.range_of_all_children()
        spans = []
        for clip in clips:
            place = places[clip]
            assert place == clip.source_range
            assert clip.media_reference.available_range.contains(clip.source_range.start_time)
            spans.append((int(place.start_time.value), int(place.end_time_exclusive().value)))
        expected = json_segments(document)[track.name]
        assert spans == [(_frame(start, rate), _frame(end, rate)) for start, end in expected]
        exact = [(clip.metadata["screen-time"]["start"], clip.metadata["screen-time"]["end"]) for clip in clips]
        assert exact == expected
        assert all(
            abs(span[0] / float(rate) - start) <= 0.5 / float(rate)
            for span, (start, _) in zip(spans, exact, strict=True)
        )
    assert timeline.find_clips()[0].media_reference.target_url == "ep%201.mp4"


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (23.976, FILM),
        (29.97, NTSC_30),
        (59.94, NTSC_60),
        (24, 24),
        (120, 60),
        (119.88, NTSC_60),
        (12.5, 25),
        (15, 30),
        (29.83, NTSC_30),
        (1000, 50),
        (0.5, 24),
    ],
)
def test_every_rate_has_a_timecode(fps: float, rate: Fraction | int) -> None:
    """Its own, else one that it is a part or a multiple of, else the nearest."""
    assert nearest(fps) == rate


def test_a_video_without_a_rate_counts_in_25() -> None:
    """Variable rates that the file does not tell."""
    assert Timecode.of(result(None, 10)).rate == 25
    assert Fraction(25) in RATES


def test_hostile_names_end_no_line_and_no_cue() -> None:
    """A label is one value in every format, whatever it contains."""
    document = measured([[0.9, 0.1]] * 3 + [[0.1, 0.1]], (HOSTILE, "tom"), key=f"in/{HOSTILE}").document
    files = export(document, ExportFormat)
    rows = list(csv.DictReader(io.StringIO(files["segments.csv"].decode())))
    assert [row["character"] for row in rows] == [HOSTILE]
    for name in ("chapters.vtt", "metadata.vtt"):
        (cue,) = cues_of(files[name].decode())
        assert (cue.start, cue.end) == ("00:00:00.000", "00:00:03.000")
    assert json.loads(cues_of(files["metadata.vtt"].decode())[0].text)["character"] == HOSTILE
    timeline = opentimelineio.adapters.read_from_string(files["segments.edl"].decode(), "cmx_3600", rate=25)
    assert len(timeline.find_clips()) == 1
    otio = opentimelineio.adapters.read_from_string(files["timeline.otio"].decode(), "otio_json")
    assert otio.find_clips()[0].metadata["screen-time"]["character"] == HOSTILE


def test_nobody_on_screen_gives_empty_files_that_still_open() -> None:
    """A video of an empty room is a result too."""
    files = export(measured([[0.1, 0.1]] * 3).document, ExportFormat)
    assert files["segments.csv"].decode() == "character,start,end,seconds,confidence\n"
    assert cues_of(files["chapters.vtt"].decode()) == []
    timeline = opentimelineio.adapters.read_from_string(files["timeline.otio"].decode(), "otio_json")
    assert timeline.find_clips() == []
    assert files["segments.edl"].decode().splitlines()[1] == "FCM: NON-DROP FRAME"


def test_more_than_999_events_are_read_back() -> None:
    """Beyond the format's three digits nothing is lost."""
    rows = np.tile(np.array([[0.9], [0.1]], dtype=np.float32), (1200, 1))
    text = one(measured(rows, ("jerry",)).document, "edl", "segments.edl")
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=25)
    assert len(timeline.find_clips()) == 1200


def test_stretches_shorter_than_half_a_frame_have_no_event() -> None:
    """Sampled finer than the video's frames, two edges may fall on one boundary."""
    rows = [[0.9], [0.1], [0.1], [0.1], [0.9], [0.9], [0.9], [0.9], [0.9], [0.9]]
    document = measured(rows, ("jerry",), interval_ms=10).document
    timeline = opentimelineio.adapters.read_from_string(one(document, "edl", "segments.edl"), "cmx_3600", rate=25)
    assert [clip.source_range.duration.to_frames() for clip in timeline.find_clips()] == [1]


@given(st.lists(st.tuples(*[st.booleans()] * 3), min_size=1, max_size=30))
def test_stretches_are_the_samples(shown: list[tuple[bool, ...]]) -> None:
    """Cut anywhere, each second has exactly the characters that were on screen in it."""
    document = measured(np.array(shown, dtype=np.float32), ("a", "b", "c"), maps=False).document
    seconds: list[tuple[str, ...]] = [()] * len(shown)
    for each in casts(document):
        for second in range(each.start_ms // 1000, each.end_ms // 1000):
            assert seconds[second] == ()
            seconds[second] = each.names
    assert seconds == [tuple(name for name, on in zip("abc", row, strict=True) if on) for row in shown]


def test_a_character_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(ValueError, match="no character 'spike'; it has jerry, tom"):
        only(result(seconds=5), ["spike"])
