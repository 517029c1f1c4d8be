"""Colour models in a real MLflow registry, as training would register its own."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from screen_time.manifest import DIGEST_TAG, MANIFEST_NAME, SERVED_DIRECTORY, sha256
from tests.models import COLOURS, write_colour_model

NAME = "screen-time"


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """A running MLflow server, and how to put models into it; `directory` takes their files on the way."""

    uri: str
    directory: Path

    def register(self, labels: tuple[str, ...] = COLOURS, *, alias: str | None = None) -> str:
        """Register a colour model in its served form; returns its version."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        client = MlflowClient(self.uri)
        run = client.create_run("0")
        served = self.directory / run.info.run_id / SERVED_DIRECTORY
        write_colour_model(served, labels)
        client.log_artifacts(run.info.run_id, str(served.parent), "model")
        with suppress(MlflowException):  # it exists
            client.create_registered_model(NAME)
        source = f"{run.info.artifact_uri}/model"
        version = client.create_model_version(NAME, source, run.info.run_id, await_creation_for=0)
        digest = sha256((served / MANIFEST_NAME).read_bytes())
        client.set_model_version_tag(NAME, version.version, DIGEST_TAG, digest)
        if alias is not None:
            self.move(alias, version.version)
        return str(version.version)

    def damage(self, version: str) -> None:
        """Let the registered digest of `version` be of other files than those it has."""
        from mlflow import MlflowClient

        MlflowClient(self.uri).set_model_version_tag(NAME, version, DIGEST_TAG, "0" * 64)

    def move(self, alias: str, version: str) -> None:
        """Let `alias` name `version`."""
        from mlflow import MlflowClient

        MlflowClient(self.uri).set_registered_model_alias(NAME, alias, version)
