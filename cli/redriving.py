"""Dead letters back to the queue, one by one: sent first and deleted then, so that none is lost on the way."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli.deployed_stack import DeployedStack, StackError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_SECONDS = 120
"""Longer than a batch takes to be sent and deleted."""


def dead_letters(stack: DeployedStack) -> int:
    """About how many dead letters there are."""
    return stack.waiting("DeadLetterQueueUrl")


def send_back(stack: DeployedStack) -> Iterator[str]:
    """Move every dead letter to the queue; yields each one's body. A letter that is sent twice is answered once."""
    try:
        while letters := _received(stack):
            for letter in letters:
                stack.sqs.send_message(QueueUrl=stack.output("QueueUrl"), MessageBody=letter["Body"])
                stack.sqs.delete_message(
                    QueueUrl=stack.output("DeadLetterQueueUrl"), ReceiptHandle=letter["ReceiptHandle"]
                )
                yield letter["Body"]
    except (ClientError, BotoCoreError) as error:
        raise StackError(f"The dead letters cannot be sent back: {error}") from error


def _received(stack: DeployedStack) -> "list[MessageTypeDef]":
    answer = stack.sqs.receive_message(
        QueueUrl=stack.output("DeadLetterQueueUrl"),
        MaxNumberOfMessages=10,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=1,
    )
    return answer.get("Messages", [])
