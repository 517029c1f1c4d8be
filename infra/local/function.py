"""A function as the template configures it, and what an invocation of it gives."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """What Lambda knows of a function that runs from a container image."""

    name: str
    arn: str
    region: str
    handler: str
    """The image's command: `module.function`."""
    environment: Mapping[str, str]
    memory_mebibytes: int
    timeout_seconds: int
    log_group: str
    log_format: str = "Text"
    """Text or JSON; the latter makes Lambda's own lines records as well."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How an invocation ended. `payload` is its JSON result, or the error document where `failed`."""

    request_id: str
    payload: bytes
    failed: bool
    log: str
    """The lines it wrote, with Lambda's own around them."""
