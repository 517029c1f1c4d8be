"""An interpreter for functions that may write next to nothing, when told so: what a full /tmp does to them."""

from pathlib import Path

SCRIPT = """#!/bin/sh
# Files of 512 bytes at most: a write beyond fails as on a full disk, and no right to mount anything is needed.
if [ -e "{full}" ]; then ulimit -f 1; fi
exec "{python}" "$@"
"""


def interpreter(directory: Path, python: Path, full: Path) -> Path:
    """A `python` in `directory` whose processes have no room on disk if the file `full` is there when they start."""
    script = directory / "python"
    script.write_text(SCRIPT.format(full=full, python=python))
    script.chmod(0o755)
    return script
