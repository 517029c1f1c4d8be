"""The surroundings that training sets before heavy libraries start: their logs, their time-outs, the cache folder."""

import ctypes
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEFAULTS = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "MPLBACKEND": "Agg",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # With its own defaults the client tries for four minutes before it says that the server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}


def set_defaults() -> None:
    """Set what TensorFlow and MLflow read at their import; whatever the user has set stays."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def cache_directory(purpose: str) -> Path:
    """The folder for what can always be made again: SCREEN_TIME_CACHE, else the user's cache folder; created."""
    base = os.environ.get("SCREEN_TIME_CACHE")
    root = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "screen-time"
    directory = root / purpose
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def store_arrays(path: Path, arrays: "Mapping[str, NDArray[Any]]") -> None:
    """Write `arrays` to the `.npz` file `path`, renamed into place: another training never loads half a file."""
    import numpy as np

    temporary = path.with_suffix(f".{os.getpid()}.tmp.npz")
    np.savez(temporary, allow_pickle=False, **arrays)
    temporary.replace(path)


def import_keras() -> None:
    """Import TensorFlow and Keras without the lines that TensorFlow's libraries write past Python's own stderr."""
    set_defaults()
    keep_freed_memory()
    with _no_stderr():
        import keras  # noqa: F401  (imports TensorFlow, its backend)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for what is allocated next; other C libraries stay as they are.

    TensorFlow frees and allocates tensors as large as a dense layer at every step of training, and the system clears
    each page that it gives anew: that was over half of the time in which the classic head is fitted. To be called
    before other threads allocate anything: a heap that a thread has got for itself by then gives back what it can.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries to one thread.

    On matrices as small as a head's, threads that wait for each other took up to 20 times as long as one alone.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        yield


@contextmanager
def no_warnings() -> Iterator[None]:
    """Keep third parties' warnings, which our users can do nothing about, off the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _no_stderr() -> Iterator[None]:
    # TensorFlow's C++ logging ignores TF_CPP_MIN_LOG_LEVEL until it is initialised: only the descriptor itself helps.
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
