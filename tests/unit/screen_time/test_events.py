"""What arrives, in every wrapping that S3's events come in."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screen_time.events import EventError, Upload, is_sqs, uploads, uploads_of_message


def notification(key: str = "ep+1.mp4", name: str = "ObjectCreated:Put", **fields: str) -> dict[str, Any]:
    stored = {"key": key, "size": 5, "eTag": "abc", "sequencer": "0A", **fields}
    record = {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "videos"}, "object": stored}}
    return {"Records": [record]}


def eventbridge(key: str, detail_type: str = "Object Created") -> dict[str, Any]:
    stored = {"key": key, "size": 5, "etag": "abc", "version-id": "v1", "sequencer": "0A"}
    detail = {"bucket": {"name": "videos"}, "object": stored, "reason": "PutObject"}
    return {"source": "aws.s3", "detail-type": detail_type, "detail": detail}


@given(st.text(min_size=1, max_size=60).filter(lambda key: not key.endswith("/")))
def test_a_notification_s_key_is_decoded_exactly_once(key: str) -> None:
    """Spaces, plus signs, percent signs and any script come out as they were uploaded."""
    assert uploads(notification(quote_plus(key)))[0].key == key


@given(st.text(min_size=1, max_size=60).filter(lambda key: not key.endswith("/")))
def test_an_eventbridge_key_is_taken_as_it_is(key: str) -> None:
    """EventBridge does not encode keys: `100%25.mp4` is a name."""
    assert uploads(eventbridge(key)) == [Upload("videos", key, "v1", "abc", "0A")]


def test_version_etag_and_sequencer_travel_along() -> None:
    """They identify the object that the event is about."""
    assert uploads(notification(versionId="v7")) == [Upload("videos", "ep 1.mp4", "v7", "abc", "0A")]
    assert uploads(notification(versionId="null")) == [Upload("videos", "ep 1.mp4", None, "abc", "0A")]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "videos"},
        notification(name="ObjectRemoved:Delete"),
        notification(key="folder/"),
        eventbridge("ep.mp4", "Object Deleted"),
        eventbridge("folder/"),
        {"Records": []},
    ],
)
def test_news_of_no_new_video_is_acknowledged(event: dict[str, Any]) -> None:
    """Test events, deletions and the console's folders ask for nothing."""
    assert uploads(event) == []


@pytest.mark.parametrize(
    "event", [{}, {"Records": [{"eventSource": "aws:s3"}]}, {"Records": [{"eventSource": "aws:kinesis"}]}]
)
def test_other_events_are_errors(event: dict[str, Any]) -> None:
    """They fail alone, visibly."""
    with pytest.raises(EventError):
        uploads(event)


@pytest.mark.parametrize("body", ["", "not JSON", "[]", "3", "null", '{"Type": "Notification"}'])
def test_a_message_that_is_no_event_is_an_error(body: str) -> None:
    """Whatever somebody sent to the queue."""
    with pytest.raises(EventError):
        uploads_of_message(body)


def test_sns_around_a_notification_is_taken_off() -> None:
    """A bucket may tell a topic that several queues listen to."""
    body = json.dumps({"Type": "Notification", "Message": json.dumps(notification("a.mp4"))})
    assert uploads_of_message(body) == [Upload("videos", "a.mp4", None, "abc", "0A")]


def test_a_batch_of_messages_is_told_from_s3_s_own_event() -> None:
    """Both come as Records."""
    assert is_sqs({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]})
    assert not is_sqs(notification())
    assert not is_sqs(eventbridge("a.mp4"))
