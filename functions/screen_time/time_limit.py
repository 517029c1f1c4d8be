"""Stopping in time: Lambda ends a function whose time is over without asking it, and nothing would say why."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from screen_time.errors import TimeLimitError

LONGEST_MARGIN_SECONDS = 10.0
"""Kept for what is left to do then: giving the lease back, saying when the message returns, sending the metrics."""

MARGIN_SHARE = 0.2
"""Of the time that is left, where that is little."""

REPEAT_SECONDS = 2.0
"""When it is said again, should code that swallows exceptions have got the first one."""


class _TimeUpError(BaseException):
    """No Exception: libraries that translate or retry whatever fails must let it through."""


@contextmanager
def time_limit(remaining_seconds: float) -> Iterator[None]:
    """Raise TimeLimitError out of the body a margin before `remaining_seconds` are over.

    Whatever the body waits for then, a library or the network, is interrupted by a signal. Signals reach the main
    thread only, which is where Lambda runs handlers; in any other there is no limit. One within another ends first,
    and leaves the outer one its margin.
    """
    if threading.current_thread() is not threading.main_thread() or remaining_seconds == math.inf:
        yield
        return
    seconds = max(0.001, remaining_seconds - min(LONGEST_MARGIN_SECONDS, MARGIN_SHARE * remaining_seconds))
    try:
        with _interrupted_after(seconds):
            yield
    except _TimeUpError as error:
        raise TimeLimitError(f"The video was not measured within the {seconds:.0f} s that there were.") from error


def seconds_left() -> float:
    """Until the innermost time limit interrupts; infinity where there is none."""
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    return left or math.inf


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _interrupt)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # An alarm may have rung just before and be on its way to a thread: the system drops it where nobody wants any.
        # The handler that was there before may be none, and without one an alarm ends the process.
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, handler)
        if left:  # somebody else's alarm goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - began)), interval)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise _TimeUpError
