"""How much work a video is, and where it is cut so that many can share it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from screen_time.manifest import InputSpec
from screen_time.samples import Outline, Part

DECODED_PIXELS_A_SECOND = 500e6
"""Pixels that one processor decodes in a second: H.264, measured (docs/performance.md has the figures)."""

HEAVY_CODECS = frozenset({"hevc", "vp9", "av1", "prores"})
HEAVINESS = 2.0
"""How much more a heavy codec takes for the same pixels."""

CLASSIFY_SECONDS_A_PIXEL = 6e-7
"""Processor time for one pixel of a model's input: VGG16 in INT8."""

USUAL_FRAME_RATE = Fraction(30)
"""Taken where the file tells none."""

CONCURRENT = 40
"""Segments at work at a time: what Step Functions' inline Map runs at most."""

LONGEST_SECONDS = 600.0
"""Processor time of the longest segment: well inside one invocation's 15 minutes, also where the estimate is off."""

REREAD = 0.1
"""Share of the file that may be read more than once, by all segments together."""

READ_AHEAD_BYTES = 2 * 1024 * 1024
"""What a segment fetches beyond its end, on average."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What every segment costs beside its own part: bytes that it reads to find its place."""

    bytes: int
    """Of the file's head and index."""
    of_bytes: int
    """The file's size."""

    def segments(self, reread_bytes: int = 0) -> int:
        """How many segments read no more of the file again than REREAD of it, or `reread_bytes` where that is more."""
        each = max(1, min(self.bytes + READ_AHEAD_BYTES, self.of_bytes))
        return 1 + math.floor(max(self.of_bytes * REREAD, reread_bytes) / each)


def work_seconds(outline: Outline, spec: InputSpec, interval_ms: int) -> float:
    """Processor seconds that a video takes, roughly; 0 where its file does not tell how long it is."""
    info, seconds = outline.info, outline.declared_ms / 1000
    pixels = float(info.frame_rate or USUAL_FRAME_RATE) * seconds * info.width * info.height
    decode = pixels / DECODED_PIXELS_A_SECOND * (HEAVINESS if info.codec in HEAVY_CODECS else 1)
    samples = outline.declared_ms / interval_ms
    return decode + samples * spec.width * spec.height * CLASSIFY_SECONDS_A_PIXEL


def segments(work: float, segment_seconds: float) -> int:
    """How many segments share `work`: of `segment_seconds` each, longer ones where these are more than CONCURRENT.

    Where even CONCURRENT segments would be longer than LONGEST_SECONDS, there are more, and some wait for others.
    """
    wanted = min(math.ceil(work / segment_seconds), CONCURRENT)
    return max(1, wanted, math.ceil(work / LONGEST_SECONDS))


def cut(outline: Outline, interval_ms: int, count: int) -> tuple[Part, ...]:
    """Up to `count` parts that follow each other and hold every sample, about equally long.

    Each begins with the first sample after a key frame, fewer where there are not as many. The last one is open: the
    end is where the data end, whatever the file declares.
    """
    starts = [0]
    for ideal_ms in _ideal_cuts(outline.declared_ms, count):
        key_ms = _nearest(outline.keys_ms, ideal_ms)
        first = -(-key_ms // interval_ms)
        if first > starts[-1]:
            starts.append(first)
    return tuple(Part(first, stop) for first, stop in pairwise([*starts, None]) if first is not None)


def _ideal_cuts(length_ms: int, count: int) -> Iterable[float]:
    return (length_ms * number / count for number in range(1, count))


def _nearest(keys_ms: tuple[int, ...], time_ms: float) -> int:
    """The key frame nearest to a time; the start where the file tells of none."""
    return min(keys_ms, key=lambda key: abs(key - time_ms), default=0)
