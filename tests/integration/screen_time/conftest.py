"""Real parts around the function: S3, SQS and DynamoDB by moto, the registry by an MLflow server."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from infra.local.mlflow_server import MlflowServer, RegistryStore
from infra.local.processes import ProcessGroups
from tests.registered_models import ModelRegistry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelRegistry]:
    """One server for all tests; each takes an alias of its own."""
    directory = tmp_path_factory.mktemp("mlflow")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with ProcessGroups() as processes, MlflowServer(RegistryStore(directory), processes) as server:
        server.wait()
        yield ModelRegistry(server.uri, directory / "models")
