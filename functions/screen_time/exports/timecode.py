"""Positions in a video as SMPTE timecode counts them: whole frames, labelled hours:minutes:seconds:frames."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from screen_time.documents import Document

NTSC = Fraction(1000, 1001)
RATES = (*map(Fraction, (24, 25, 30, 48, 50, 60)), *(NTSC * each for each in (24, 30, 48, 60)))
"""Frames a second for which timecode is defined."""

DROP_FRAME = (30 * NTSC, 60 * NTSC)
"""Rates at which labels are skipped so that timecode keeps to the clock; 23.976 has no such form."""

UNKNOWN = Fraction(25)
"""For a video that does not tell its rate."""

SAME = 0.0004
"""Relative difference of a rate rounded to three decimals or averaged; 29.97 and 30 differ by 0.001."""


@dataclass(frozen=True, slots=True)
class Timecode:
    """Timecode at `rate` frames a second, the video's first frame being 00:00:00:00."""

    rate: Fraction

    @classmethod
    def of(cls, document: Document) -> Self:
        """The timecode of a result's video.

        A rate without timecode takes one that is a whole part or a multiple of it (120: 24), else the nearest.
        """
        fps = document["video"]["frame_rate"]
        return cls(UNKNOWN if fps is None or not fps > 0 else nearest(fps))

    @property
    def drop_frame(self) -> bool:
        """Whether labels are skipped."""
        return self.rate in DROP_FRAME

    def frame(self, milliseconds: int) -> int:
        """The boundary between frames that is nearest to a time; at most half a frame away."""
        return round(self.rate * milliseconds / 1000)

    def label(self, frame: int) -> str:
        """A frame's timecode; a drop-frame one has a semicolon in front of its frames."""
        # Here, not at the top: exports are rare, and the function's start shall not wait for this library.
        from opentimelineio.opentime import RationalTime

        return str(RationalTime(frame, float(self.rate)).to_timecode(float(self.rate), self.drop_frame))


def nearest(fps: float) -> Fraction:
    """The rate of timecode for a video of `fps` frames a second."""
    related = [rate for rate in RATES if _ratio_error(float(rate), fps) < SAME]
    return min(related or RATES, key=lambda rate: abs(float(rate) - fps))


def _ratio_error(one: float, other: float) -> float:
    """How far the larger of two rates is from a whole multiple of the smaller, relative to it."""
    ratio = max(one, other) / min(one, other)
    return abs(ratio / round(ratio) - 1)
