"""When the queue delivers a failed message again."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_SECONDS = 900


def delay_retry(sqs: "SQSClient", queue_url: str, record: SQSRecord, delay_seconds: int) -> None:
    """Let a message that failed return after `delay_seconds`, doubled with each time it was received.

    The queue's visibility time-out is made for an invocation that was killed, which tells nobody, and is six times
    the function's time-out. One that fails and can say so need not wait as long.
    """
    received = int(record.attributes.approximate_receive_count)
    delay = min(delay_seconds * 2 ** (received - 1), LONGEST_DELAY_SECONDS)
    try:
        sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=delay)
    except (ClientError, BotoCoreError) as error:
        logger.warning("the message returns after the queue's own time-out", reason=str(error))
