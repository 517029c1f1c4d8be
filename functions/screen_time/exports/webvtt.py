"""WebVTT text tracks: chapters for people, metadata for programs. Times are the JSON's, to the millisecond."""

import json
from collections.abc import Iterator

from screen_time.documents import Document
from screen_time.exports.stretches import casts, one_line, segments

CHAPTERS_NAME = "chapters.vtt"
METADATA_NAME = "metadata.vtt"


def chapters(document: Document) -> bytes:
    """A chapter for each stretch with the same characters on screen, titled with their names."""
    return _track((each.start_ms, each.end_ms, _escaped(", ".join(each.names))) for each in casts(document))


def metadata(document: Document) -> bytes:
    """A cue for each segment, whose text is JSON: the character and the confidence. Cues may overlap."""
    return _track(
        (each.start_ms, each.end_ms, _json({"character": name, "confidence": confidence}))
        for each in segments(document)
        for name, confidence in each.confidences
    )


def _track(cues: Iterator[tuple[int, int, str]]) -> bytes:
    blocks = (f"{number}\n{_time(start)} --> {_time(end)}\n{text}" for number, (start, end, text) in enumerate(cues, 1))
    return "\n\n".join(["WEBVTT", *blocks, ""]).encode()


def _time(milliseconds: int) -> str:
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:03d}"


def _escaped(text: str) -> str:
    """A cue's text on one line that holds no tag and no arrow."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line or "–"


def _json(value: dict[str, str | float]) -> str:
    """JSON on one line; a `>` would make an arrow possible."""
    return json.dumps(value).replace(">", "\\u003e")
