"""Events for videos that are in the bucket already, as S3 would send them now."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError

from cli.deployed_stack import DeployedStack, StackError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""Messages that SQS takes at a time."""

LOOK_SECONDS = 2.0
"""How often the queue is looked at while enough waits in it."""


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """The latest version of a video in the bucket."""

    key: str
    version_id: str
    etag: str
    bytes: int

    def event(self, bucket: str) -> dict[str, Any]:
        """The notification of it; without a sequencer, which only S3 can give."""
        stored = {"key": quote_plus(self.key, safe="/"), "size": self.bytes, "eTag": self.etag}
        if self.version_id != "null":
            stored["versionId"] = self.version_id
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Backfill"}
        return {"Records": [{**record, "s3": {"bucket": {"name": bucket}, "object": stored}}]}


@dataclass(frozen=True, slots=True)
class Pace:
    """No more than `per_second` events, and none while more than `waiting` wait in the queue: uploads go first."""

    per_second: float
    waiting: int


def stored_videos(stack: DeployedStack, prefix: str, after: str) -> Iterator[StoredVideo]:
    """The latest versions under `prefix`, in the order of their keys, which come after `after`."""
    markers: dict[str, str] = {"KeyMarker": after} if after else {}
    bucket = stack.output("VideosBucketName")
    while True:
        try:
            page = stack.s3.list_object_versions(Bucket=bucket, Prefix=prefix, **markers)  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            raise StackError(f"The videos cannot be listed: {error}") from error
        for found in page.get("Versions", []):
            # The marker's own key may be listed again; S3's order is that of UTF-8.
            if found["IsLatest"] and _is_video(found["Key"]) and found["Key"].encode() > after.encode():
                yield StoredVideo(found["Key"], found["VersionId"], found["ETag"].strip('"'), found["Size"])
        if not page.get("IsTruncated"):
            return
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def _is_video(key: str) -> bool:
    """Whatever is no folder: what it is, its bytes decide."""
    return not key.endswith("/")


def send(stack: DeployedStack, videos: Iterator[StoredVideo], pace: Pace, sent: Callable[[StoredVideo], None]) -> None:
    """Send an event for each video; `sent` is called for each that the queue has taken, in order."""
    began, count = time.monotonic(), 0
    while batch := list(islice(videos, BATCH)):
        _wait_for_room(stack, pace.waiting)
        _send_batch(stack, batch)
        for video in batch:
            sent(video)
        count += len(batch)
        time.sleep(max(0.0, began + count / pace.per_second - time.monotonic()))


def _wait_for_room(stack: DeployedStack, waiting: int) -> None:
    while stack.waiting("QueueUrl") >= waiting:
        time.sleep(LOOK_SECONDS)


def _send_batch(stack: DeployedStack, batch: Sequence[StoredVideo]) -> None:
    bucket = stack.output("VideosBucketName")
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {"Id": str(number), "MessageBody": json.dumps(video.event(bucket))} for number, video in enumerate(batch)
    ]
    try:
        answer = stack.sqs.send_message_batch(QueueUrl=stack.output("QueueUrl"), Entries=entries)
    except (ClientError, BotoCoreError) as error:
        raise StackError(f"Events cannot be sent: {error}") from error
    if failed := answer.get("Failed"):
        raise StackError(f"The queue refused {len(failed)} events: {failed[0].get('Message', failed[0]['Code'])}")
