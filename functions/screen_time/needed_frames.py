"""Which packets of a video hold frames that will be looked at, known a few packets ahead of decoding them.

Most frames are decoded only because others refer to them; the ones that no other refers to, half of a usual H.264
video, can be left out unless they are samples themselves. No sample moves by that, not by one frame.
"""

import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

DISPENSABLE = frozenset({"h264", "mpeg4", "mpeg2video", "mpeg1video"})
"""Codecs whose frames say truthfully that no other refers to them. HEVC's say it of their own layer only."""

LOOKAHEAD = 64
"""Packets held back at most; a codec reorders 16."""

KNOWN = 4 * LOOKAHEAD


class Stamped(Protocol):
    """A packet: its times of decoding and of presentation in the stream's unit, None where it has none."""

    @property
    def pts(self) -> int | None:
        """When it is shown."""

    @property
    def dts(self) -> int | None:
        """When it is decoded."""


P = TypeVar("P", bound=Stamped)


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants that are sampled: `origin` + k × `interval`, in the stream's unit of time."""

    origin: int
    interval: Fraction

    def not_before(self, time: int) -> int:
        """The last time stamp that is not after the first instant at `time` or later."""
        # In integers: it is asked for every packet.
        interval, parts = self.interval.numerator, self.interval.denominator
        instants = -((self.origin - time) * parts // interval)
        return self.origin + instants * interval // parts


class Needed:
    """Judges packets in the order of decoding; until `grid` is set, every one is needed, and none is held back."""

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self._held: deque[tuple[int, int]] = deque()
        self._known: list[int] = []
        self._last_dts: int | None = None
        self._trusted = True

    def restart(self) -> None:
        """Forget what came before: the packets that follow are from elsewhere in the video."""
        self._held.clear()
        self._known.clear()
        self._last_dts = None

    def judge(self, packets: Iterable[P | None]) -> Iterator[tuple[P | None, bool]]:
        """Each of `packets`, of which the last is None, and whether its frame is a sample or may be the last one."""
        waiting: deque[P] = deque()
        for packet in packets:
            if packet is None or self.grid is None or not self._take(packet, self.grid):
                # Nothing is known of what follows: whatever is not left out for sure is needed.
                while waiting:
                    verdict = self._verdict(len(waiting))
                    self._held.popleft()
                    yield waiting.popleft(), verdict is not False
                yield packet, True
                continue
            waiting.append(packet)
            while self._held and (verdict := self._verdict(len(waiting))) is not None:
                self._held.popleft()
                yield waiting.popleft(), verdict

    def _take(self, packet: Stamped, grid: Grid) -> bool:
        """Note a packet's times; False from the first one whose times cannot be relied on."""
        pts, dts = packet.pts, packet.dts
        runs_backwards = dts is not None and self._last_dts is not None and dts < self._last_dts
        if not self._trusted or pts is None or (dts is not None and pts < dts) or runs_backwards:
            self._trusted = False
            return False
        if dts is not None:  # a container without such times leaves them out where they cannot be told, after a seek
            self._last_dts = dts
        bisect.insort(self._known, pts)
        del self._known[:-KNOWN]
        self._held.append((pts, grid.not_before(pts)))
        return True

    def _verdict(self, waiting: int) -> bool | None:
        """Whether the first packet held is the last one shown before the next instant; None while that is open."""
        pts, instant = self._held[0]
        following = bisect.bisect_right(self._known, pts)
        if following < len(self._known) and self._known[following] <= instant:
            return False
        # Whatever comes is decoded later than this one, and nothing is shown before it is decoded.
        decided = self._last_dts is not None and self._last_dts > instant
        return True if decided or waiting > LOOKAHEAD else None
