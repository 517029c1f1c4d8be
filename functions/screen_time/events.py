"""What arrives: S3's notifications, by themselves, wrapped by SQS or SNS, or as EventBridge tells them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from screen_time.errors import ScreenTimeError

Event = Mapping[str, Any]


class EventError(ScreenTimeError):
    """The event is none that this function understands."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that was created; `key` is decoded. `version_id` is None in a bucket without versions.

    `sequencer` is S3's order of one key's events; None where who told of the object is not S3.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    sequencer: str | None = None


def is_sqs(event: Event) -> bool:
    """Whether the event is a batch of messages of a queue."""
    records = event.get("Records")
    return bool(isinstance(records, list) and records and records[0].get("eventSource") == "aws:sqs")


def uploads(event: Event) -> list[Upload]:
    """The objects that an event tells of; empty for S3's test event and for other news than of new objects.

    Takes an S3 notification or an EventBridge event. Raises EventError where it is neither.
    """
    try:
        if event.get("Event") == "s3:TestEvent":
            return []
        if event.get("source") == "aws.s3":
            return _from_eventbridge(event)
        if isinstance(event.get("Records"), list):
            return [_from_notification(record) for record in event["Records"] if _is_created(record)]
        raise EventError("The event is neither an S3 notification nor an EventBridge event of S3.")
    except (KeyError, TypeError, AttributeError) as error:
        raise EventError(f"The event lacks what S3's events have: {error!r}.") from error


def uploads_of_message(body: str) -> list[Upload]:
    """The objects that a queue's message tells of, with or without SNS around it; raises EventError."""
    try:
        event = json.loads(body)
        if isinstance(event, dict) and event.get("Type") == "Notification":
            event = json.loads(event["Message"])
    except (ValueError, KeyError, TypeError) as error:
        raise EventError("The message is not JSON.") from error
    if not isinstance(event, dict):
        raise EventError("The message is no event.")
    return uploads(event)


def _is_created(record: Event) -> bool:
    if record["eventSource"] != "aws:s3":
        raise EventError(f"The event comes from {record['eventSource']}, not from S3.")
    return str(record["eventName"]).startswith("ObjectCreated") and not _is_folder(record["s3"]["object"]["key"])


def _is_folder(key: str) -> bool:
    """The empty object that S3's console makes for a folder."""
    return key.endswith("/")


def _from_notification(record: Event) -> Upload:
    stored = record["s3"]["object"]
    return Upload(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        version_id=_version(stored.get("versionId")),
        etag=stored.get("eTag"),
        sequencer=stored.get("sequencer"),
    )


def _from_eventbridge(event: Event) -> list[Upload]:
    stored = event["detail"]["object"]
    if event["detail-type"] != "Object Created" or _is_folder(stored["key"]):
        return []
    # EventBridge gives the key as it is; only notifications encode it.
    bucket = event["detail"]["bucket"]["name"]
    version = _version(stored.get("version-id"))
    return [Upload(bucket, stored["key"], version, stored.get("etag"), stored.get("sequencer"))]


def _version(version_id: str | None) -> str | None:
    """Objects from before a bucket's versioning have the version 'null'."""
    return None if version_id in (None, "", "null") else version_id
