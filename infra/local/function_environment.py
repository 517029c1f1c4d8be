"""The Python environment that functions run in locally: what the container image holds, and nothing else."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.errors import LocalStackError

DIRECTORY = ".function-environment"
REQUIREMENTS = ("requirements/function.txt", "requirements/runtime.txt")
"""What the image installs, and the runtime interface client that AWS's base image brings."""

Announce = Callable[[str], None]


def ensure(root: Path, announce: Announce = lambda _: None) -> Path:
    """The interpreter of the function environment of the project at `root`, built first where it is missing or stale.

    It stands in a directory named for the digest of its locked requirements and of Python's version: a change of
    either gives a new one, and the old one is removed. Of two processes that want to build, one waits for the other.
    Raises LocalStackError where the packages cannot be installed.
    """
    directory = root / DIRECTORY
    directory.mkdir(exist_ok=True)
    environment = directory / digest(root)
    with _locked(directory / ".lock"):
        if not _complete(environment).exists():
            _build(root, environment, announce)
            _remove_others(directory, environment)
    return _python(environment)


def digest(root: Path) -> str:
    """Sixteen hexadecimal digits that change with the requirements' text and with the running Python's version."""
    text = sys.version.encode() + b"".join((root / name).read_bytes() for name in REQUIREMENTS)
    return hashlib.sha256(text).hexdigest()[:16]


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _complete(environment: Path) -> Path:
    return environment / ".complete"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(root: Path, environment: Path, announce: Announce) -> None:
    announce(f"installing the function's packages into {DIRECTORY} (once, about a minute) …")
    started = time.monotonic()
    shutil.rmtree(environment, ignore_errors=True)
    # Without pip of its own: the image's environment has none to lean on either.
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    requirements = [argument for name in REQUIREMENTS for argument in ("--requirement", str(root / name))]
    pip = [sys.executable, "-m", "pip", "--python", str(_python(environment)), "--disable-pip-version-check"]
    _run([*pip, "install", "--quiet", "--require-hashes", *requirements])
    _complete(environment).touch()
    announce(f"the function's packages are installed ({time.monotonic() - started:.0f} s)")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        last = (done.stdout.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise LocalStackError(f"the function's packages cannot be installed: {last}")


def _remove_others(directory: Path, environment: Path) -> None:
    for other in directory.iterdir():
        if other.is_dir() and other != environment:
            shutil.rmtree(other, ignore_errors=True)
