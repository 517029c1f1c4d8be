"""How many processors this process really has."""

import math
import os

MEBIBYTES_A_PROCESSOR = 1769
"""Lambda gives one processor's worth of time for each so much memory, however many processors it shows."""


def available() -> int:
    """At least 1: those that this process may run on, and no more than Lambda gives time on."""
    allowed = len(os.sched_getaffinity(0))
    memory = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if memory.isdigit():
        allowed = min(allowed, math.ceil(int(memory) / MEBIBYTES_A_PROCESSOR))
    return max(1, allowed)
