"""No child outlives its parent, however the parent ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from infra.local.errors import LocalStackError
from infra.local.processes import ProcessGroups
from infra.local.reaper import survivors

PARENT = """
import subprocess, sys, time
from pathlib import Path
from infra.local.processes import ProcessGroups

groups = ProcessGroups()
command = ["sh", "-c", "sleep 600 & echo $!; wait"]
child = groups.start(command, environment={"PATH": "/usr/bin:/bin"}, directory=Path.cwd(), output=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode(), flush=True)
time.sleep(600)
"""


def gone(pid: int, within_seconds: float = 5.0) -> bool:
    """Whether a process ends in time; a zombie that nobody buries has ended."""
    end = time.monotonic() + within_seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_children_and_grandchildren_die_with_a_killed_parent(root: Path) -> None:
    """SIGKILL gives the parent no time to clean up; the reaper does it."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
    assert all(gone(pid) for pid in pids)


def test_stop_ends_the_whole_group(processes: ProcessGroups, tmp_path: Path) -> None:
    """Grandchildren too, even where the child has ended before."""
    process = processes.start(
        ["sh", "-c", "sleep 600 & echo $!"], environment={}, directory=tmp_path, output=subprocess.PIPE
    )
    assert process.stdout is not None
    with process.stdout:
        grandchild = int(process.stdout.readline())
    process.wait()
    assert psutil.pid_exists(grandchild)
    processes.stop(process)
    assert gone(grandchild)
    assert processes.pids == []


def test_stop_asks_before_it_kills(processes: ProcessGroups, tmp_path: Path) -> None:
    """Within its grace a child may end in its own way."""
    process = processes.start(
        ["sh", "-c", "trap 'exit 7' TERM; echo; while :; do sleep 0.05; done"],
        environment={},
        directory=tmp_path,
        output=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        processes.stop(process, grace_seconds=5)
    assert process.returncode == 7


def test_nothing_starts_after_close(tmp_path: Path) -> None:
    """A thread that comes late cannot leave an orphan."""
    groups = ProcessGroups()
    groups.close()
    with pytest.raises(LocalStackError, match="ending"):
        groups.start(["sleep", "600"], environment={}, directory=tmp_path, output=subprocess.DEVNULL)


def test_reaper_kills_only_what_was_not_taken_back() -> None:
    """A group that has ended is forgotten: its number may belong to somebody else by now."""
    assert survivors(["+10\n", "+11\n", "-10\n"]) == {11}
