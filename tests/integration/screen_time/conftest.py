"""Real parts around the function: S3, SQS and DynamoDB by moto, the registry by an MLflow server."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from infra.local.mlflow_server import MlflowServer, RegistryStore
from infra.local.processes import ProcessGroups
from screen_time.manifest import DIGEST_TAG, MANIFEST_NAME, SERVED_DIRECTORY, sha256
from tests.models import write_colour_model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "screen-time"
BUCKETS = ("videos", "results", "models")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account with the function's buckets, table and queue."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in BUCKETS:
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName="idempotency",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("sqs").create_queue(QueueName="uploads")
        yield


@pytest.fixture
def s3(aws: None) -> "S3Client":
    """A client of the mocked S3."""
    return boto3.client("s3")


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A real MLflow server, and how to put models into it."""

    uri: str
    directory: Path

    def register(self, labels: tuple[str, ...] = ("red", "green", "blue"), *, alias: str | None = None) -> str:
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
        version = client.create_model_version(NAME, f"{run.info.artifact_uri}/model", run.info.run_id)
        digest = sha256((served / MANIFEST_NAME).read_bytes())
        client.set_model_version_tag(NAME, version.version, DIGEST_TAG, digest)
        if alias is not None:
            self.move(alias, version.version)
        return str(version.version)

    def move(self, alias: str, version: str) -> None:
        """Let `alias` name `version`."""
        from mlflow import MlflowClient

        MlflowClient(self.uri).set_registered_model_alias(NAME, alias, version)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One server for all tests; each takes an alias of its own."""
    directory = tmp_path_factory.mktemp("mlflow")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with ProcessGroups() as processes, MlflowServer(RegistryStore(directory), processes) as server:
        server.wait()
        yield RunningRegistry(server.uri, directory / "models")
