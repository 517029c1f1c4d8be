"""A message of the queue while it is worked on: hidden from others, and when it returns if the work fails."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """One delivery of a message, which the queue offers `max_attempts` times in all."""

    sqs: "SQSClient"
    queue_url: str
    record: SQSRecord
    max_attempts: int

    @property
    def is_last_attempt(self) -> bool:
        """Whether the queue moves it to the dead letters if this attempt fails."""
        return self._attempt >= self.max_attempts

    def hold(self, seconds: int) -> None:
        """Hide it for another `seconds`; raises botocore's errors."""
        self._return_after(seconds)

    def delay_retry(self, delay_seconds: int) -> None:
        """Let it return after `delay_seconds`, doubled with each attempt; after the last one at once.

        A queue moves a message to the dead letters when it would be received again, and no alarm rings before that.
        """
        seconds = 0 if self.is_last_attempt else min(delay_seconds * 2 ** (self._attempt - 1), LONGEST_DELAY_SECONDS)
        try:
            self._return_after(seconds)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the message returns later than it should", reason=str(error))

    @property
    def _attempt(self) -> int:
        return int(self.record.attributes.approximate_receive_count)

    def _return_after(self, seconds: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=self.record.receipt_handle, VisibilityTimeout=seconds
        )
