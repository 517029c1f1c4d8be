"""Child processes that never outlive this one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from infra.local.errors import LocalStackError

REAPER = Path(__file__).with_name("reaper.py")


class ProcessGroups:
    """Starts children in process groups of their own and ends every group with all that is in it.

    Ctrl-C in the terminal does not reach such a child: who started it decides when it ends. Should this process die
    without a word, the reaper beside it ends them. (Linux's parent-death signal would not do: it fires when the
    *thread* that started the child ends, and a server's threads are short-lived.)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(REAPER)], stdin=subprocess.PIPE, start_new_session=True, env={}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The group leaders that were started and not ended yet."""
        with self._lock:
            return list(self._running)

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start `command` with exactly `environment`; both its output streams go to `output`.

        Raises OSError where there is no such program, and LocalStackError after `close`.
        """
        with self._lock:
            if self._closed:
                raise LocalStackError("no process is started any more: the local stack is ending")
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[process.pid] = process
            self._tell(f"+{process.pid}")
        return process

    def stop(self, process: subprocess.Popen[bytes], grace_seconds: float = 0.0) -> None:
        """End the group of `process`: asked first and given `grace_seconds`, then killed. Idempotent."""
        with self._lock:
            if self._running.pop(process.pid, None) is None:
                return
        if grace_seconds:
            self._signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace_seconds)
        self._signal(process, signal.SIGKILL)
        process.wait()
        with self._lock:
            self._tell(f"-{process.pid}")

    def close(self) -> None:
        """End every group, then the reaper."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for process in running:
            self.stop(process)
        with suppress(BrokenPipeError):
            self._pipe.close()
        self._reaper.wait()

    @property
    def _pipe(self) -> IO[bytes]:
        if self._reaper.stdin is None:
            raise AssertionError("the reaper is started with a pipe")
        return self._reaper.stdin

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):
            self._pipe.write(line.encode() + b"\n")
            self._pipe.flush()

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
