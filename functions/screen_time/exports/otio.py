"""`timeline.otio`: OpenTimelineIO, a video track for each character."""

from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import quote

from screen_time.documents import Document
from screen_time.exports.stretches import file_name, milliseconds, one_line
from screen_time.exports.timecode import Timecode

if TYPE_CHECKING:
    from opentimelineio.opentime import TimeRange
    from opentimelineio.schema import Clip, ExternalReference, Track

NAME = "timeline.otio"


def write(document: Document) -> bytes:
    """Each segment as a clip of the video at its own place, gaps between them.

    Times are whole frames, rounded to the nearest boundary; a segment of less than half a frame has no clip. The exact
    seconds and the confidence are the clip's metadata.
    """
    from opentimelineio.opentime import RationalTime
    from opentimelineio.schema import Timeline

    timecode = Timecode.of(document)
    timeline = Timeline(name=one_line(file_name(document)))
    timeline.global_start_time = RationalTime(0, float(timecode.rate))
    for name, found in document["characters"].items():
        timeline.tracks.append(_track(name, found, document, timecode))
    return str(timeline.to_json_string(indent=4)).encode() + b"\n"


def _track(name: str, found: Document, document: Document, timecode: Timecode) -> "Track":
    from opentimelineio.schema import Gap, Track, TrackKind

    track = Track(name=one_line(name), kind=TrackKind.Video)
    at = 0
    for segment in found["segments"]:
        start, end = (timecode.frame(milliseconds(segment[edge])) for edge in ("start", "end"))
        if start == end:
            continue
        if start > at:
            track.append(Gap(source_range=_range(at, start, timecode.rate)))
        track.append(_clip(name, segment, _range(start, end, timecode.rate), document))
        at = end
    return track


def _clip(name: str, segment: Document, source_range: "TimeRange", document: Document) -> "Clip":
    from opentimelineio.schema import Clip

    return Clip(
        name=one_line(name),
        media_reference=_media(document),
        source_range=source_range,
        metadata={"screen-time": {"character": name, **segment}},
    )


def _media(document: Document) -> "ExternalReference":
    """The video by its name, relative to the timeline."""
    from opentimelineio.schema import ExternalReference

    timecode = Timecode.of(document)
    end = timecode.frame(milliseconds(document["video"]["duration_seconds"]))
    return ExternalReference(target_url=quote(file_name(document)), available_range=_range(0, end, timecode.rate))


def _range(start: int, end: int, rate: Fraction) -> "TimeRange":
    from opentimelineio.opentime import RationalTime, TimeRange

    return TimeRange(RationalTime(start, float(rate)), RationalTime(end - start, float(rate)))
