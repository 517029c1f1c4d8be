"""Kills the process groups that a dead parent leaves behind; run as a script, on its own, with no import but Python's.

Its standard input is a pipe that only the parent holds: "+GROUP" and "-GROUP" lines say what runs, and the end of the
pipe says that the parent is gone, however it went.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def survivors(lines: Iterable[str]) -> set[int]:
    """The groups announced in `lines` and not taken back."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    return groups


if __name__ == "__main__":
    for group in survivors(sys.stdin):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
