"""Seconds by stage, from the start of the process on."""

import os
import time
from pathlib import Path


class Stopwatch:
    """`stages` holds the wall seconds of each lap, in order; the first lap begins when the process did."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._since = time.clock_gettime(time.CLOCK_BOOTTIME) - process_seconds()

    def lap(self, stage: str) -> None:
        """End a stage; a stage that comes again adds up."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._since
        self._since = now


def process_seconds() -> float:
    """How long this process has been running, its interpreter's start included."""
    # The 22nd field: clock ticks after the machine's boot. The name before it may hold spaces, not parentheses after.
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
