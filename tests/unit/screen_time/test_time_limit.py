"""A function stops itself before Lambda ends it without a word."""

import math
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from screen_time.errors import TimeLimitError
from screen_time.time_limit import seconds_left, time_limit


def test_work_that_takes_too_long_is_interrupted_with_time_to_spare() -> None:
    """A fifth of the time is left for what remains to be done."""
    began = time.monotonic()
    with pytest.raises(TimeLimitError), time_limit(1.0):
        time.sleep(30)
    assert 0.7 < time.monotonic() - began < 1.0 + 2.0


def test_a_library_that_translates_whatever_fails_does_not_swallow_it() -> None:
    """Botocore makes a connection error of any exception, and tries again."""

    def stubborn() -> None:
        while True:
            with suppress(Exception):
                time.sleep(30)

    with pytest.raises(TimeLimitError), time_limit(0.3):
        stubborn()


def test_a_bare_except_only_delays_it() -> None:
    """It is said again."""

    def deaf() -> None:
        try:
            time.sleep(30)
        except BaseException:  # noqa: BLE001 (that is what is tried)
            time.sleep(30)

    with pytest.raises(TimeLimitError), time_limit(0.2):
        deaf()


def test_a_limit_within_another_ends_first_and_leaves_the_outer_one_going() -> None:
    """What is not worth the outer one's failure has an end of its own; without any limit it has none."""
    with time_limit(10):
        assert 7 < seconds_left() <= 8
        with pytest.raises(TimeLimitError), time_limit(min(0.2, seconds_left())):
            time.sleep(30)
        assert 5 < seconds_left() < 8
    with time_limit(math.inf):
        pass


def test_work_that_is_quick_enough_is_left_alone() -> None:
    """And nothing rings afterwards."""
    with time_limit(0.2):
        pass
    time.sleep(0.3)
    assert signal.getitimer(signal.ITIMER_REAL)[0] != pytest.approx(0.2, abs=0.2)


def test_an_alarm_of_somebody_else_goes_on() -> None:
    """The test's own time-out, for one."""
    rung = threading.Event()
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    before = signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with time_limit(60):
            pass
        assert rung.wait(5) or rung.is_set()
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_outside_the_main_thread_there_is_no_limit() -> None:
    """Signals do not reach it."""
    ended = threading.Event()

    def work() -> None:
        with time_limit(0.01):
            time.sleep(0.1)
        ended.set()

    threading.Thread(target=work, daemon=True).start()
    assert ended.wait(10)


RINGS_AT_THE_END = """
import signal, time
from screen_time.time_limit import time_limit
with time_limit(0.1):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(0.3)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
"""


def test_an_alarm_that_is_on_its_way_when_the_work_ends_harms_nobody() -> None:
    """Lambda's process has no handler of its own for it, and would be ended by it."""
    assert subprocess.run([sys.executable, "-c", RINGS_AT_THE_END], check=False).returncode == 0
