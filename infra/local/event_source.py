"""Lambda's side of a queue: it takes messages in batches, invokes the function, and deletes what that has done.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import adaptations
from infra.local.aws import Client
from infra.local.function import Invocation

Message = dict[str, Any]
Invoke = Callable[[bytes], Invocation]

RECEIVE_LIMIT = 10
"""Messages that SQS hands out at a time."""

DEFAULT_CONCURRENCY = 5
"""Pollers that Lambda starts with where no maximum is set."""

LONG_POLL_SECONDS = 1
"""An idle poller asks once a second; a message that comes meanwhile is answered at once."""

RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event source mapping's settings."""

    queue_arn: str
    queue_url: str
    batch_size: int
    window_seconds: float
    reports_failures: bool
    """Whether the function's answer names the messages that failed (ReportBatchItemFailures)."""
    maximum_concurrency: int

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], queue_url: str) -> "EventSource":
        """The settings in an answer of Lambda's GetEventSourceMapping."""
        deployed = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", DEFAULT_CONCURRENCY)
        return cls(
            queue_arn=mapping["EventSourceArn"],
            queue_url=queue_url,
            batch_size=int(mapping["BatchSize"]),
            window_seconds=float(mapping.get("MaximumBatchingWindowInSeconds", 0)),
            reports_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            maximum_concurrency=adaptations.concurrency(int(deployed)),
        )


class Poller:
    """Moves messages from a queue to a function until it is stopped.

    What failed is left alone: the queue offers it again when its visibility time-out is over, and moves it to the
    dead-letter queue when it was received too often.
    """

    def __init__(self, source: EventSource, sqs: Client, invoke: Invoke, warn: Callable[[str], None]) -> None:
        self._source, self._sqs, self._invoke, self._warn = source, sqs, invoke, warn
        self._stop = threading.Event()
        self._free = threading.Semaphore(source.maximum_concurrency)
        self._workers = ThreadPoolExecutor(source.maximum_concurrency, thread_name_prefix="batch")
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more messages."""
        self._stop.set()

    def join(self) -> None:
        """After `stop`, wait for the batches in work; whoever ends their function first need not wait long."""
        self._thread.join()
        self._workers.shutdown()

    def _run(self) -> None:
        while not self._stop.is_set():
            # Messages are received only for a worker that is free: waiting here would use up their visibility.
            self._free.acquire()
            if batch := self._batch():
                self._workers.submit(self._process, batch)
            else:
                self._free.release()

    def _batch(self) -> list[Message]:
        batch = self._receive(self._source.batch_size, LONG_POLL_SECONDS)
        end = time.monotonic() + self._source.window_seconds
        while batch and len(batch) < self._source.batch_size and time.monotonic() < end and not self._stop.is_set():
            batch += self._receive(self._source.batch_size - len(batch), LONG_POLL_SECONDS)
        return batch

    def _receive(self, wanted: int, wait_seconds: int) -> list[Message]:
        if self._stop.is_set():
            return []
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._source.queue_url,
                MaxNumberOfMessages=min(RECEIVE_LIMIT, wanted),
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            self._failed("messages cannot be received", error)
            return []
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _process(self, batch: list[Message]) -> None:
        try:
            invocation = self._invoke(json.dumps({"Records": [self._record(each) for each in batch]}).encode())
            failed = failed_messages(batch, invocation, reports_failures=self._source.reports_failures)
            self._delete([each for each in batch if each["MessageId"] not in failed])
        except Exception as error:  # noqa: BLE001 (a thread's error would be lost)
            self._failed("a batch was not processed", error)
        finally:
            self._free.release()

    def _delete(self, messages: list[Message]) -> None:
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._source.queue_url, ReceiptHandle=message["ReceiptHandle"])

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": _attributes(message),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.queue_arn,
            "awsRegion": self._source.queue_arn.split(":")[3],
        }

    def _failed(self, what: str, error: Exception) -> None:
        if not self._stop.is_set():
            self._warn(f"{self._source.queue_arn}: {what}: {error}")
            self._stop.wait(RETRY_SECONDS)


def failed_messages(batch: list[Message], invocation: Invocation, *, reports_failures: bool) -> set[str]:
    """The ids of the messages that stay in the queue.

    All of them where the invocation failed or its report is not one that Lambda accepts (no JSON object, an unknown
    or missing id); none where the function reports nothing.
    """
    everything = {message["MessageId"] for message in batch}
    if invocation.failed:
        return everything
    if not reports_failures:
        return set()
    try:
        report = json.loads(invocation.payload) or {}
        reported = {failure["itemIdentifier"] for failure in report.get("batchItemFailures") or []}
    except (ValueError, KeyError, TypeError, AttributeError):
        return everything
    return reported if reported <= everything else everything


def _attributes(message: Message) -> dict[str, Any]:
    """A message's own attributes as Lambda's events spell them."""
    return {
        name: {"dataType": value["DataType"], "stringValue": value.get("StringValue")}
        for name, value in message.get("MessageAttributes", {}).items()
    }
