"""A deployed stack as an AWS user names it: by CloudFormation's name, which knows every resource's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.errors import ScreenTimeError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LOCAL_REGION = "us-east-1"
"""Where an endpoint is given and no region: the local stack's."""


class StackError(ScreenTimeError):
    """The stack is not there, or AWS does not let us see it; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack's outputs, and clients with the user's own credentials."""

    outputs: Mapping[str, str]
    s3: "S3Client"
    sqs: "SQSClient"

    @classmethod
    def find(cls, name: str, endpoint_url: str | None) -> "DeployedStack":
        """Ask CloudFormation; raises StackError where that fails."""
        session = boto3.Session()
        options: dict[str, Any] = {"config": Config(retries={"mode": "standard"})}
        if endpoint_url is not None:
            options |= {"endpoint_url": endpoint_url, "region_name": session.region_name or LOCAL_REGION}
        try:
            stack = session.client("cloudformation", **options).describe_stacks(StackName=name)["Stacks"][0]
            outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
            return cls(outputs, session.client("s3", **options), session.client("sqs", **options))
        except (ClientError, BotoCoreError) as error:
            raise StackError(f"The stack {name} cannot be looked up: {error}") from error

    def output(self, name: str) -> str:
        """One of the template's outputs; raises StackError where the stack was made from another template."""
        try:
            return self.outputs[name]
        except KeyError:
            raise StackError(f"The stack has no output {name}: is it one of screen-time's?") from None

    def waiting(self, queue: str) -> int:
        """About how many messages wait in the queue whose address that output is."""
        try:
            answer = self.sqs.get_queue_attributes(
                QueueUrl=self.output(queue), AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (ClientError, BotoCoreError) as error:
            raise StackError(f"The queue cannot be looked at: {error}") from error
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
