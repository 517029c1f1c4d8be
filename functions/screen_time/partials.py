"""What the workers of a long video hand to its merge: one object a segment, in a place of the results bucket's own."""

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.documents import ModelIdentity
from screen_time.errors import TransientError
from screen_time.measurement import Measurement
from screen_time.samples import Part
from screen_time.serialisation import SerialisationError, dumps, loads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "screen-time-partials"
"""Of the results bucket; template.yaml lets what lies there expire. No video's documents begin with it but those of
one whose own key does."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One of a video's parts, as it was planned: its number, from 0, and its samples."""

    number: int
    part: Part


@dataclass(frozen=True, slots=True)
class Partial:
    """A segment's measurement, and of what it is: the execution, the object's ETag, the model."""

    execution: str
    etag: str
    model: ModelIdentity
    segment: Segment
    measurement: Measurement


class Partials:
    """The partials of one execution; raises TransientError where S3 does not answer."""

    def __init__(self, s3: "S3Client", bucket: str, execution: str) -> None:
        self._s3, self._bucket = s3, bucket
        self._prefix = f"{PREFIX}/{execution}/"

    def has(self, segment: Segment) -> bool:
        """Whether the segment was measured already."""
        return self._key(segment) in self._keys()

    def write(self, partial: Partial) -> None:
        """Write a partial, unless its segment has one: whoever was first has measured the same."""
        body = gzip.compress(dumps(partial), mtime=0)
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key(partial.segment),
                Body=body,
                ContentType="application/json",
                ContentEncoding="gzip",
                IfNoneMatch="*",
            )
        except (ClientError, BotoCoreError) as error:
            if not _exists_already(error):
                raise TransientError(f"A partial cannot be written: {error}") from error

    def read(self) -> list[Partial | None]:
        """Every partial there is, None for what is none."""
        return [self._read(key) for key in self._keys()]

    def remove(self) -> None:
        """Delete every partial, known or not."""
        keys = self._keys()
        try:
            for start in range(0, len(keys), 1000):
                batch = [{"Key": key} for key in keys[start : start + 1000]]
                answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})  # type: ignore[typeddict-item]
                if answer.get("Errors"):
                    raise TransientError(f"A partial cannot be deleted: {answer['Errors'][0]}")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"Partials cannot be deleted: {error}") from error

    def _read(self, key: str) -> Partial | None:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"A partial cannot be read: {error}") from error
        try:
            return loads(Partial, gzip.decompress(body))
        except (SerialisationError, OSError, EOFError):
            return None

    def _keys(self) -> list[str]:
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"Partials cannot be listed: {error}") from error

    def _key(self, segment: Segment) -> str:
        stop = "end" if segment.part.stop is None else segment.part.stop
        return f"{self._prefix}{segment.number:04}-{segment.part.first}-{stop}.json.gz"


def _exists_already(error: Exception) -> bool:
    """Another worker's partial stands there (412), or is being written at this moment (409)."""
    return isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412)
