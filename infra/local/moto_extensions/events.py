"""moto's S3 event records lack fields that S3's have, escape `/` in keys, and come twice for a multipart upload.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import itertools
import time
import uuid
from typing import Any
from urllib.parse import quote_plus

import moto.s3.notifications as original

from infra.local.moto_extensions.creation import Moto

_put = original.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
_get_s3_event, _send_event = original._get_s3_event, original.send_event  # noqa: SLF001 (that is what is mended)

_sequence = itertools.count(time.time_ns())
"""One counter for all keys: of two events of one key the later has the larger number."""


def install() -> None:
    """Send the records that S3 sends."""
    original._get_s3_event = s3_event  # noqa: SLF001
    original.send_event = send_event


def s3_event(event_name: str, bucket: Moto, key: Moto, notification_id: str) -> dict[str, Any]:
    """The event that moto makes, with the version, sequence and identities that it lacks, its key as S3 escapes it."""
    event: dict[str, Any] = _get_s3_event(event_name, bucket, key, notification_id)
    for record in event["Records"]:
        record["userIdentity"] = {"principalId": "AWS:LOCAL"}
        record["requestParameters"] = {"sourceIPAddress": "127.0.0.1"}
        record["responseElements"] = {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": uuid.uuid4().hex}
        record["s3"]["bucket"]["ownerIdentity"] = {"principalId": "LOCAL"}
        record["s3"]["object"] |= _object(bucket, key)
    return event


def send_event(account_id: str, event_name: Moto, bucket: Moto, key: Moto) -> None:
    """Leave out the Put event of an object that comes from a multipart upload: its own event follows."""
    if event_name == _put and key.multipart is not None:
        return
    _send_event(account_id, event_name, bucket, key)


def _object(bucket: Moto, key: Moto) -> dict[str, str]:
    fields = {"key": quote_plus(key.name, safe="/*"), "sequencer": f"{next(_sequence):018X}"}
    return fields | ({"versionId": key.version_id} if bucket.is_versioned else {})
