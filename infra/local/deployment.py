"""A template created through CloudFormation: what it gave and what it consists of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.aws import Client
from infra.local.errors import LocalStackError
from infra.local.template import Template, stack_parameters


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack of CloudFormation's."""

    outputs: Mapping[str, str]
    resources: tuple[tuple[str, str], ...]
    """Type and physical id of each resource."""

    def of_type(self, kind: str) -> list[str]:
        """Physical ids of the resources of a type."""
        return [identifier for each, identifier in self.resources if each == kind]


def deploy(cloudformation: Client, name: str, template: Template, parameters: Mapping[str, str]) -> Deployment:
    """Create the translated `template`; raises LocalStackError where it cannot be created as a whole."""
    _refuse_unknown_types(template)
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Parameters=stack_parameters(template, dict(parameters)),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        created = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"the template cannot be created locally: {error}") from error
    # A resource whose condition is not met is an entry without a type here.
    return Deployment(
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        resources=tuple(
            (each["ResourceType"], each["PhysicalResourceId"]) for each in created if "ResourceType" in each
        ),
    )


def _refuse_unknown_types(template: Template) -> None:
    """CloudFormation leaves them out here, with a warning: what lacks something must not look like a whole stack."""
    from infra.local.moto_extensions import resources

    types = {resource["Type"] for resource in template["Resources"].values()}
    if unknown := types - resources.supported():
        raise LocalStackError(f"the local stack cannot create {', '.join(sorted(unknown))}")
