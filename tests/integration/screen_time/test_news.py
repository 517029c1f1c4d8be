"""Others hear of a document: from a real bus and a real topic, once, and late rather than never."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from screen_time import announcer as announcing
from screen_time.announcer import Announcer
from screen_time.documents import RESULT_NAME, Document, to_json
from screen_time.news import TOLD, News
from screen_time.object_labels import labels
from screen_time.provenance import Provenance
from screen_time.results import ResultFolder
from tests.results import measured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "event.schema.json").read_text())
RESULT = f"s3://results/a.mp4/{RESULT_NAME}"


class Listener:
    """A queue that hears the bus and the topic."""

    def __init__(self) -> None:
        self.sqs, self.events, self.sns = boto3.client("sqs"), boto3.client("events"), boto3.client("sns")
        self.url = self.sqs.create_queue(QueueName="listener")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.events.put_rule(Name="all", EventPattern=json.dumps({"source": ["screen-time"]}))
        self.events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
        self.topic = self.sns.create_topic(Name="news")["TopicArn"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def heard(self) -> list[dict[str, Any]]:
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return [json.loads(message["Body"]) for message in messages.get("Messages", [])]


@pytest.fixture
def listener(aws: None) -> Listener:
    return Listener()


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that the announcer counts."""
    counted: list[str] = []
    monkeypatch.setattr(announcing, "count", counted.append)
    return counted


def standing(s3: "S3Client", age_seconds: float = 0) -> tuple[ResultFolder, Document]:
    """A result that was written by a function which has told nobody yet."""
    document = measured([[0.9, 0.1]] * 2, key="a.mp4").document
    written = datetime.now(UTC) - timedelta(seconds=age_seconds)
    document["measured_at"] = written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    folder = ResultFolder(s3, "results", "a.mp4")
    provenance = Provenance("identity", "v1")
    folder.write_result(provenance, to_json(document), [], lambda: None, labels(document))
    return folder, document


def tags(s3: "S3Client") -> dict[str, str]:
    found = s3.get_object_tagging(Bucket="results", Key=f"a.mp4/{RESULT_NAME}")["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_the_bus_hears_of_a_result(s3: "S3Client", listener: Listener) -> None:
    """An event with its source, its type and a detail that follows the schema; the result is tagged as told of."""
    folder, document = standing(s3)
    assert tags(s3) == {"status": "measured", "model": "screen-time", "model-version": "7"}
    News(folder, Announcer(listener.events, "default")).tell(document, RESULT)
    (event,) = listener.heard()
    assert (event["source"], event["detail-type"]) == ("screen-time", "Video Measured")
    Draft202012Validator(SCHEMA).validate(event["detail"])
    assert event["detail"]["document"] == RESULT
    assert tags(s3) == {"status": "measured", "model": "screen-time", "model-version": "7", TOLD: "yes"}


def test_the_topic_hears_the_same(s3: "S3Client", listener: Listener) -> None:
    """With the status as an attribute, for subscriptions that filter."""
    folder, document = standing(s3)
    News(folder, Announcer(sns=listener.sns, topic_arn=listener.topic)).tell(document, RESULT)
    (message,) = listener.heard()
    Draft202012Validator(SCHEMA).validate(json.loads(message["Message"]))
    assert message["Subject"] == "Video Measured"
    assert message["MessageAttributes"]["status"]["Value"] == "measured"


def test_without_listeners_nothing_is_asked_of_aws(s3: "S3Client") -> None:
    """Neither an event nor a tag."""
    folder, document = standing(s3)
    news = News(folder, Announcer())
    news.tell(document, RESULT)
    news.tell_belatedly(RESULT)
    assert TOLD not in tags(s3)


@pytest.mark.parametrize("refusal", ["an answer", "an error"])
def test_a_bus_that_refuses_loses_no_result_and_is_counted(
    s3: "S3Client", listener: Listener, failures: list[str], refusal: str
) -> None:
    """EventBridge may answer 200 for an entry that failed. The topic hears of it all the same; no tag says told."""
    folder, document = standing(s3)
    events = boto3.client("events")
    with Stubber(events) as stub:
        if refusal == "an error":
            stub.add_client_error("put_events", "ThrottlingException", "Rate exceeded", 400)
        else:
            entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
            stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [entry]})
        News(folder, Announcer(events, "default", listener.sns, listener.topic)).tell(document, RESULT)
    assert failures == ["AnnouncementsFailed"]
    assert len(listener.heard()) == 1
    assert json.loads(folder.read(RESULT_NAME)) == document
    assert TOLD not in tags(s3)


def test_what_was_not_told_is_told_by_the_next_who_finds_it(s3: "S3Client", listener: Listener) -> None:
    """The function that wrote it was killed before it could tell; afterwards nobody tells again."""
    folder, document = standing(s3, age_seconds=45)
    news = News(folder, Announcer(listener.events, "default"))
    for _ in range(3):
        news.tell_belatedly(RESULT)
    (event,) = listener.heard()
    assert event["detail"]["measured_at"] == document["measured_at"]


def test_a_writer_is_given_time_to_tell_itself(s3: "S3Client", listener: Listener) -> None:
    """A duplicate that finds the document in that moment does not tell too."""
    folder, _ = standing(s3, age_seconds=1)
    News(folder, Announcer(listener.events, "default")).tell_belatedly(RESULT)
    assert listener.heard() == []


def test_a_document_that_is_gone_again_is_no_failure_of_the_video(s3: "S3Client", listener: Listener) -> None:
    """A newer upload took it away in between."""
    folder, _ = standing(s3, age_seconds=45)
    s3.delete_object(Bucket="results", Key=f"a.mp4/{RESULT_NAME}")
    News(folder, Announcer(listener.events, "default")).tell_belatedly(RESULT)
    assert listener.heard() == []
