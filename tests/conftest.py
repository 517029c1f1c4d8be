"""What holds for every test."""

import signal
import sys
from subprocess import TimeoutExpired
from typing import Any

import pytest
from hypothesis import settings

# A busy machine takes its time now and then; that a test has an end, pytest's time-out sees to.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Say what ended a worker that died: xdist says that it is gone, not which signal it was."""
    if error is None:
        return
    try:
        status = node.gateway._io.popen.wait(timeout=10)  # execnet has no other way to its process
    except (AttributeError, TimeoutExpired):
        return
    reason = signal.Signals(-status).name if status < 0 else f"status {status}"
    sys.stderr.write(f"\nworker {node.gateway.id} ended with {reason}\n")
