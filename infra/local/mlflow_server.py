"""A real MLflow server as the model registry."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3

from infra.local.errors import LocalStackError
from infra.local.processes import ProcessGroups

START_SECONDS = 120.0
"""A new store is migrated step by step first; on a busy machine that adds up."""

STOP_SECONDS = 2.0
"""Its worker ends at once when it is asked to; the command that started the worker does not."""

SETTINGS = {
    # Jobs would start a dozen processes for features of generative models: 33 s and 2.5 GB instead of 5 s and 0.5 GB.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}

NOT_FOR_THE_SERVER = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_BACKEND_STORE_URI", "PYTHONPATH")
"""Variables that say where the developer's own client looks; they would make the server a client of something else."""


@dataclass(frozen=True, slots=True)
class RegistryStore:
    """Where a registry's data lie.

    The defaults are MLflow's own, so that a server shows what a client has logged into the same directory without one.
    """

    directory: Path
    backend_uri: str = "sqlite:///mlflow.db"
    """Relative to `directory`, as are `artifacts`."""
    artifacts: str = "./mlartifacts"
    """For runs that are logged through the server; those logged without it stay in ./mlruns and are served too."""

    @classmethod
    def of_environment(cls) -> Self:
        """The store that MLflow's client uses without a server: MLFLOW_TRACKING_URI, or mlflow.db, from here."""
        return cls(Path.cwd(), os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db")


class MlflowServer:
    """`mlflow server` on a free port. It starts at once; `wait` until it answers."""

    def __init__(self, store: RegistryStore, processes: ProcessGroups) -> None:
        self._processes = processes
        self._port = _free_port()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the server writes to it)
        store.directory.mkdir(parents=True, exist_ok=True)
        self._process = self._start(store)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def uri(self) -> str:
        """Its address, for MLFLOW_TRACKING_URI."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process that leads its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def wait(self, timeout_seconds: float = START_SECONDS) -> None:
        """Return when it answers; raises LocalStackError where it ended or takes too long."""
        end = time.monotonic() + timeout_seconds
        with urllib3.PoolManager(retries=False, timeout=2.0) as http:
            while not self._healthy(http):
                if not self.alive:
                    raise LocalStackError(f"the MLflow server did not start: {self.last_words()}")
                if time.monotonic() > end:
                    raise LocalStackError(f"the MLflow server did not answer within {timeout_seconds:.0f} s")
                time.sleep(0.1)

    def close(self) -> None:
        """End it and its workers."""
        self._processes.stop(self._process, grace_seconds=STOP_SECONDS)
        self._output.close()

    def _start(self, store: RegistryStore) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        # Without a second worker: each takes 250 MB, and the function asks for a version now and then.
        command += ["--workers", "1", "--backend-store-uri", store.backend_uri]
        command += ["--artifacts-destination", store.artifacts]
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_FOR_THE_SERVER}
        return self._processes.start(
            command, environment=inherited | SETTINGS, directory=store.directory, output=self._output
        )

    def _healthy(self, http: urllib3.PoolManager) -> bool:
        try:
            return http.request("GET", f"{self.uri}/health").status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    def last_words(self) -> str:
        """The last line that it wrote."""
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
