"""A message of the queue while it is worked on: hidden from others, and when it returns if the work fails."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.leases import MESSAGE_SECONDS
from screen_time.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One delivery of a message."""

    sqs: "SQSClient"
    queue_url: str
    record: SQSRecord

    def hold(self) -> None:
        """Hide it for another MESSAGE_SECONDS; raises botocore's errors."""
        self._return_after(MESSAGE_SECONDS)

    def delay_retry(self, delay_seconds: int) -> None:
        """Let it return after `delay_seconds`, doubled with each time it was received."""
        received = int(self.record.attributes.approximate_receive_count)
        try:
            self._return_after(min(delay_seconds * 2 ** (received - 1), LONGEST_DELAY_SECONDS))
        except (ClientError, BotoCoreError) as error:
            logger.warning("the message returns later than it should", reason=str(error))

    def _return_after(self, seconds: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=self.record.receipt_handle, VisibilityTimeout=seconds
        )
