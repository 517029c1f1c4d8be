"""The registry as a function's settings name it, with the credentials that go with it."""

from collections.abc import Callable

import boto3

from screen_time.aws_clients import CLIENT_CONFIG
from screen_time.credentials import authorization
from screen_time.registry import Headers, Registry


def registry(uri: str, secret_arn: str | None) -> Registry:
    """The registry at `uri`; nothing is asked yet, neither of it nor of Secrets Manager for its credentials."""
    return Registry(uri, _authorization(secret_arn))


def _authorization(secret_arn: str | None) -> Callable[[], Headers]:
    if secret_arn is None:
        return dict
    return authorization(boto3.client("secretsmanager", config=CLIENT_CONFIG), secret_arn)
