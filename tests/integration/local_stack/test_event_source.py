"""The poller treats a queue as Lambda does: batches, partial failures, redelivery, dead letters, concurrency."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local.aws import Client
from infra.local.event_source import EventSource, Poller, failed_messages
from infra.local.function import Invocation

Clients = Callable[[str], Client]
Handler = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture
def sqs(client: Clients) -> Client:
    """SQS."""
    return client("sqs")


@pytest.fixture
def dead_letters(sqs: Client, request: pytest.FixtureRequest) -> str:
    """The URL of a dead-letter queue of the test's own."""
    return str(sqs.create_queue(QueueName=f"{request.node.name[:60]}-dead")["QueueUrl"])


@pytest.fixture
def queue(sqs: Client, dead_letters: str, request: pytest.FixtureRequest) -> str:
    """The URL of a queue that redelivers after a second, and gives up after two receives."""
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": redrive}
    return str(sqs.create_queue(QueueName=request.node.name[:60], Attributes=attributes)["QueueUrl"])


@contextmanager
def polling(sqs: Client, queue: str, handler: Handler, **settings: Any) -> Iterator[list[list[str]]]:
    """Poll `queue` with `handler`, which takes the records and returns the result; yields the batches' bodies."""
    batches: list[list[str]] = []

    def invoke(event: bytes) -> Invocation:
        records = json.loads(event)["Records"]
        batches.append([record["body"] for record in records])
        result = handler(records)
        failed = isinstance(result, Exception)
        return Invocation("id", b"{}" if failed else json.dumps(result).encode(), failed=failed, log="")

    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source = EventSource(
        **{
            "queue_arn": arn,
            "queue_url": queue,
            "batch_size": 1,
            "window_seconds": 0,
            "reports_failures": True,
            "maximum_concurrency": 2,
            **settings,
        }
    )
    poller = Poller(source, sqs, invoke, pytest.fail)
    try:
        yield batches
    finally:
        poller.stop()
        poller.join()


def send(sqs: Client, queue: str, *bodies: str) -> None:
    """Send messages in this order."""
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)


def count(sqs: Client, queue: str) -> int:
    """Messages in a queue, seen by nobody or in work."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values()))


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether `condition` comes true in time."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


def test_what_is_done_is_deleted(sqs: Client, queue: str) -> None:
    """An empty report means that every message of the batch is done."""
    send(sqs, queue, "a", "b", "c")
    with polling(sqs, queue, lambda _: {"batchItemFailures": []}) as batches:
        assert until(lambda: count(sqs, queue) == 0)
    assert sorted(body for batch in batches for body in batch) == ["a", "b", "c"]


def test_message_is_delivered_at_once(sqs: Client, queue: str) -> None:
    """An idle poller waits for messages; it does not look from time to time."""
    with polling(sqs, queue, lambda _: {}) as batches:
        time.sleep(0.3)
        began = time.monotonic()
        send(sqs, queue, "a")
        assert until(lambda: bool(batches))
        assert time.monotonic() - began < 0.8


def test_record_has_what_lambdas_has(sqs: Client, queue: str) -> None:
    """Ids, counters and attributes in Lambda's spelling."""
    records: list[dict[str, Any]] = []
    attribute = {"colour": {"DataType": "String", "StringValue": "blue"}}
    sqs.send_message(QueueUrl=queue, MessageBody="hello", MessageAttributes=attribute)
    with polling(sqs, queue, records.extend):
        assert until(lambda: bool(records))
    record = records[0]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(queue.rsplit("/", maxsplit=1)[-1])
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["colour"] == {"dataType": "String", "stringValue": "blue"}
    assert {"messageId", "receiptHandle", "md5OfBody"} <= record.keys()


def test_only_what_failed_comes_again_and_then_goes_to_the_dead_letters(
    sqs: Client, queue: str, dead_letters: str
) -> None:
    """A partial failure keeps its message until the visibility time-out, twice, and blocks no other."""

    def handler(records: list[dict[str, Any]]) -> dict[str, Any]:
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "poison"]}

    send(sqs, queue, "a", "poison", "b")
    with polling(sqs, queue, handler, batch_size=10, maximum_concurrency=1) as batches:
        assert until(lambda: count(sqs, dead_letters) == 1)
        assert count(sqs, queue) == 0
    bodies = [body for batch in batches for body in batch]
    assert sorted(bodies) == ["a", "b", "poison", "poison"]
    assert sqs.receive_message(QueueUrl=dead_letters)["Messages"][0]["Body"] == "poison"


def test_failed_invocation_keeps_the_whole_batch(sqs: Client, queue: str, dead_letters: str) -> None:
    """A crash or a time-out says nothing about single messages: all come again."""
    send(sqs, queue, "a", "b")
    with polling(sqs, queue, lambda _: ValueError(), batch_size=2):
        assert until(lambda: count(sqs, dead_letters) == 2)


def test_batches_run_at_the_same_time_up_to_the_maximum(sqs: Client, queue: str) -> None:
    """Two at a time, and never three; messages that wait are not received yet."""
    running, most, waiting, lock = [0], [0], [99], threading.Lock()

    def handler(_: list[dict[str, Any]]) -> dict[str, Any]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.3)
        visible = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        with lock:
            waiting[0] = min(waiting[0], int(visible["Attributes"]["ApproximateNumberOfMessages"]))
            running[0] -= 1
        return {}

    send(sqs, queue, *"abcde")
    with polling(sqs, queue, handler) as batches:
        assert until(lambda: len(batches) == 2)
        time.sleep(0.1)
        assert count(sqs, queue) == 5
        visible = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        assert visible["Attributes"]["ApproximateNumberOfMessages"] == "3"
        assert until(lambda: count(sqs, queue) == 0)
    assert most[0] == 2


def test_window_gathers_a_batch(sqs: Client, queue: str) -> None:
    """With a batching window messages that come one by one are handed over together."""
    with polling(sqs, queue, lambda _: {}, batch_size=3, window_seconds=5) as batches:
        for body in "abc":
            send(sqs, queue, body)
            time.sleep(0.1)
        assert until(lambda: count(sqs, queue) == 0)
    assert batches == [["a", "b", "c"]]


def test_idle_poller_costs_next_to_nothing(sqs: Client, queue: str) -> None:
    """Waiting is not spinning: a second of it takes a few hundredths of a second of processor time."""
    with polling(sqs, queue, lambda _: {}):
        time.sleep(0.5)
        before = time.process_time()
        time.sleep(2)
        assert time.process_time() - before < 0.2


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        ({}, set()),
        (None, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "1"}]}, {"1"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"1", "2"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"1", "2"}),
        ({"batchItemFailures": [{"item": "1"}]}, {"1", "2"}),
        ([1], {"1", "2"}),
    ],
)
def test_report_is_read_as_lambda_reads_it(report: object, kept: set[str]) -> None:
    """What is not a proper report counts as a complete failure; an empty one as success."""
    batch = [{"MessageId": "1"}, {"MessageId": "2"}]
    invocation = Invocation("id", json.dumps(report).encode(), failed=False, log="")
    assert failed_messages(batch, invocation, reports_failures=True) == kept


def test_report_is_ignored_where_the_mapping_does_not_ask_for_it() -> None:
    """Without ReportBatchItemFailures an invocation that returns has done everything."""
    invocation = Invocation("id", b'{"batchItemFailures": [{"itemIdentifier": "1"}]}', failed=False, log="")
    assert failed_messages([{"MessageId": "1"}], invocation, reports_failures=False) == set()
