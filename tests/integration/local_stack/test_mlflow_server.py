"""A real MLflow server: it serves what a client has logged without one, and ends with all its workers."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import urllib3

from infra.local.errors import LocalStackError
from infra.local.mlflow_server import MlflowServer, RegistryStore
from infra.local.processes import ProcessGroups

LOG_A_VERSION = """
import mlflow
from pathlib import Path

class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input

Path("manifest.json").write_text('{"served": true}')
info = mlflow.pyfunc.log_model(
    name="model", python_model=Echo(), artifacts={"manifest": "manifest.json"}, pip_requirements=[],
    registered_model_name="screen-time",
)
mlflow.MlflowClient().set_registered_model_alias("screen-time", "champion", info.registered_model_version)
"""


@pytest.fixture
def store(tmp_path: Path) -> RegistryStore:
    """A directory in which a client has logged and registered a version, with MLflow's own defaults."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run(
        [sys.executable, "-c", LOG_A_VERSION], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    return RegistryStore(tmp_path)


@pytest.mark.slow
def test_version_logged_without_a_server_is_served(store: RegistryStore, processes: ProcessGroups) -> None:
    """Alias and artifact over the REST API that the function uses; then the server ends with all its workers."""
    server = MlflowServer(store, processes)
    server.wait()
    with urllib3.PoolManager() as http:
        fields = {"name": "screen-time", "alias": "champion"}
        alias = http.request("GET", f"{server.uri}/api/2.0/mlflow/registered-models/alias", fields=fields).json()
        fields = {"name": "screen-time", "version": "1", "path": "artifacts/manifest.json"}
        artifact = http.request("GET", f"{server.uri}/model-versions/get-artifact", fields=fields)
    assert alias["model_version"]["version"] == "1"
    assert (artifact.status, artifact.data) == (200, b'{"served": true}')
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert len(family) > 1
    server.close()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


def test_store_is_what_the_client_would_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MLFLOW_TRACKING_URI, and MLflow's own default in the current directory without it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert RegistryStore.of_environment() == RegistryStore(tmp_path, "sqlite:///mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/runs.db")
    assert RegistryStore.of_environment().backend_uri == "sqlite:////elsewhere/runs.db"


@pytest.mark.slow
def test_server_that_cannot_start_says_why(processes: ProcessGroups, tmp_path: Path) -> None:
    """The error carries the server's last line."""
    server = MlflowServer(RegistryStore(tmp_path, "nothing://at.all"), processes)
    with pytest.raises(LocalStackError, match=r"did not start: .*nothing"):
        server.wait()
