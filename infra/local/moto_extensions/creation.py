"""How an extension adds to what moto's CloudFormation does when it creates a resource."""

from collections.abc import Callable
from typing import Any

from moto import settings

from infra.local import aws

Properties = dict[str, Any]
"""A resource's properties in the template."""

Moto = Any
"""An object or a class of moto's: what is extended here has no public type."""

Complete = Callable[[Moto, Properties], None]
"""Takes the resource that moto has created, and its properties in the template."""


def client(service: str) -> aws.Client:
    """A client of the running moto server: what CloudFormation calls on AWS, an extension calls here.

    Public operations have a documented form and are validated, unlike the back ends behind them.
    """
    return aws.client(service, f"http://127.0.0.1:{settings.moto_server_port()}")


def complete(model: Moto, completion: Complete) -> None:
    """Run `completion` after moto's own creation of resources of `model`."""
    original = model.create_from_cloudformation_json.__func__

    def create(cls: Moto, /, name: str, cloudformation_json: Properties, *place: str, **more: str) -> Moto:
        created = original(cls, name, cloudformation_json, *place, **more)
        completion(created, cloudformation_json.get("Properties", {}))
        return created

    model.create_from_cloudformation_json = classmethod(create)
