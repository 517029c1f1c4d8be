"""Runs one of the programs that are compared, and measures it from outside: wall, processor time, peak memory."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

WATCH_SECONDS = 0.5
LONGEST_SECONDS = 3 * 3600


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds by the clock and of processors, children's included, peak bytes of all its processes together.

    `report` is what the program printed of itself.
    """

    program: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    report: dict[str, Any] = field(default_factory=dict)


def run(program: str, *arguments: Path) -> Run:
    """Run `python -m benchmarks.PROGRAM ARGUMENTS`; raises subprocess.CalledProcessError where it fails."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-m", f"benchmarks.{program}", *map(str, arguments)]
    before, started = os.times(), time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    watch = _Memory(process.pid)
    try:
        output, _ = process.communicate(timeout=LONGEST_SECONDS)
    finally:
        process.kill()
        peak = watch.end()
    wall, after = time.perf_counter() - started, os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(program, wall, cpu, peak, json.loads(output.splitlines()[-1]))


class _Memory:
    """Looks at a process and its children until it is told to end."""

    def __init__(self, pid: int) -> None:
        self._process, self._peak, self._ended = psutil.Process(pid), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_SECONDS):
            try:
                processes = (self._process, *self._process.children(recursive=True))
                # Proportional: pages that two processes share count once.
                held = sum(each.memory_full_info().pss for each in processes)
            except (psutil.Error, ProcessLookupError):
                continue
            self._peak = max(self._peak, held)
