"""`segments.edl`: a CMX 3600 edit decision list, written here because OpenTimelineIO's adapter has no drop frame.

(otio-cmx3600-adapter 1.0 writes no FCM line and knows no other way to say it; the tests read what is written here with
that adapter.)
"""

import re

from screen_time.documents import Document
from screen_time.exports.stretches import casts, file_name, one_line
from screen_time.exports.timecode import Timecode

NAME = "segments.edl"

REEL_LENGTH = 8
"""Characters of a reel's name in CMX 3600."""

NO_REEL = "AX"
"""What editors write for a source that is a file."""


def write(document: Document) -> bytes:
    """An event for each stretch with the same characters on screen, at its own place in the video.

    The format has one video track, so characters who are on screen together share an event, and a gap is nobody.
    Times are rounded to the nearest frame boundary; a stretch of less than half a frame has no event.
    """
    timecode = Timecode.of(document)
    name = one_line(file_name(document))
    reel = re.sub(r"[^A-Z0-9_]", "", name.rpartition(".")[0].upper().replace(" ", "_"))[:REEL_LENGTH] or NO_REEL
    lines = [f"TITLE: {name}", f"FCM: {'' if timecode.drop_frame else 'NON-'}DROP FRAME", ""]
    number = 0
    for each in casts(document):
        first, last = timecode.frame(each.start_ms), timecode.frame(each.end_ms)
        if first == last:
            continue
        number += 1
        span = f"{timecode.label(first)} {timecode.label(last)}"
        lines.append(f"{number:03d}  {reel:<8} V     C        {span} {span}")
        lines.append(f"* FROM CLIP NAME: {name}")
        lines += [f"* COMMENT: {one_line(who)} ({confidence:.2f})" for who, confidence in each.confidences]
        lines.append("")
    return "\n".join(lines).encode()
