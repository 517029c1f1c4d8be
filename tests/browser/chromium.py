"""Debian's Chromium under Playwright, held so that nothing it does can hang a test run or outlive it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from playwright.sync_api import Browser, Error, sync_playwright

EXECUTABLE = Path(os.environ.get("SCREEN_TIME_CHROMIUM", "/usr/bin/chromium"))
"""Where there is none, the tests that need it are skipped and say so."""

CALL_SECONDS = 20
"""How long one call to the browser may take."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    # Names resolve to nothing: what should be no request off the machine cannot become one.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)


class Chromium:
    """One running browser; a context manager that leaves no process behind."""

    def __enter__(self) -> Self:
        before = {child.pid for child in psutil.Process().children()}
        # A driver that does not even start is ended by the test's own time limit; it has no browser yet.
        self._playwright = sync_playwright().start()
        self._roots = [child for child in psutil.Process().children() if child.pid not in before]
        try:
            with self.limited(3 * CALL_SECONDS):
                self.browser: Browser = self._playwright.chromium.launch(
                    executable_path=EXECUTABLE, args=list(FLAGS), timeout=2 * CALL_SECONDS * 1000
                )
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.limited(CALL_SECONDS), suppress(Error):
            self.browser.close()
        self._end()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Kill browser and driver where the body takes longer: every call that waits for them then fails."""
        watchdog = threading.Timer(seconds, self._kill, [self.processes()])
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
            watchdog.join()  # at once where it has not begun; else until it has killed everything

    def _end(self) -> None:
        processes = self.processes()
        with self.limited(CALL_SECONDS), suppress(Exception):  # a driver that was killed cannot be stopped
            self._playwright.stop()
        self._kill(processes)

    def processes(self) -> list[psutil.Process]:
        """Driver, browser and what they started, as far as it still runs."""
        found = list(self._roots)
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                found += root.children(recursive=True)
        return found

    def _kill(self, known: list[psutil.Process]) -> None:
        processes = set(known) | set(self.processes())
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        end = time.monotonic() + CALL_SECONDS
        while any(works(process) for process in processes) and time.monotonic() < end:
            time.sleep(0.02)


def works(process: psutil.Process) -> bool:
    """Whether it runs; a zombie only waits for its parent to take note."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
