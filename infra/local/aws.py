"""Clients of the local AWS, whatever credentials, profiles and endpoints the developer has set up for the real one."""

from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"

Client = Any
"""A boto3 client: its methods are made at run time from the service's description."""

# A session of its own: boto3's default one belongs to the program that the stack is part of.
_SESSION = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)  # noqa: S106

_CONFIG = Config(proxies={}, retries={"mode": "standard"}, s3={"addressing_style": "path"})
"""No proxy between a machine and itself; and no host names made of bucket names, which would have to be resolved."""


def client(service: str, endpoint: str, config: Config | None = None) -> Client:
    """A boto3 client of `service` at `endpoint`, with `config` beside our own; safe to share between threads."""
    return _SESSION.client(service, endpoint_url=endpoint, config=_CONFIG.merge(config) if config else _CONFIG)  # type: ignore[call-overload]
