"""A bucket that is only written on the condition that nothing has changed since it was looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.errors import ScreenTimeError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONFLICTS = (404, 409, 412)
"""S3's answers to a conditional write where something else stands there, or nothing any more."""


class ConflictError(ScreenTimeError):
    """Somebody else has written or deleted the object since it was looked at."""


@dataclass(frozen=True, slots=True)
class File:
    """A document as it is written; `name` is the last part of its key."""

    name: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What an object says of itself to who does not read it: S3's metadata and tags."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """What S3 says of an object without its content."""

    etag: str
    metadata: Mapping[str, str]


class ConditionalBucket:
    """Looks, writes and deletes; each method raises TransientError where S3 does not do what it is asked."""

    def __init__(self, s3: "S3Client", name: str) -> None:
        self._s3, self.name = s3, name

    def look(self, key: str) -> Stored | None:
        """What stands there; None for nothing."""
        try:
            head = self._s3.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise TransientError(f"{_name(key)} cannot be looked up: {error}") from error
        except BotoCoreError as error:
            raise TransientError(f"{_name(key)} cannot be looked up: {error}") from error
        return Stored(head["ETag"].strip('"'), head.get("Metadata", {}))

    def put(self, folder: str, file: File, seen: str | None, labels: Labels | None = None) -> str:
        """Write in place of the object whose etag was `seen` (None: of nothing); returns the new etag.

        Raises ConflictError where something else stands there.
        """
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": seen}
        labels = labels or Labels()
        if labels.tags:
            condition["Tagging"] = urlencode(labels.tags)
        try:
            answer = self._s3.put_object(
                Bucket=self.name,
                Key=f"{folder}/{file.name}",
                Body=file.body,
                ContentType=file.content_type,
                Metadata=labels.metadata,
                **condition,
            )
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"{file.name} cannot be written", error) from error
        return answer["ETag"].strip('"')

    def tags(self, key: str) -> dict[str, str]:
        """The object's tags."""
        try:
            answer = self._s3.get_object_tagging(Bucket=self.name, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"the tags of {_name(key)} cannot be read", error) from error
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Give the object these tags in place of those it has."""
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        try:
            self._s3.put_object_tagging(Bucket=self.name, Key=key, Tagging={"TagSet": listed})  # type: ignore[typeddict-item]
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"{_name(key)} cannot be tagged", error) from error

    def read(self, key: str) -> bytes:
        """The object's content."""
        try:
            return self._s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"{_name(key)} cannot be read", error) from error

    def delete(self, key: str, etag: str) -> None:
        """Delete the object with that etag; raises ConflictError where another one stands there."""
        try:
            self._s3.delete_object(Bucket=self.name, Key=key, IfMatch=etag)
        except (ClientError, BotoCoreError) as error:
            raise _refused(f"{_name(key)} of an earlier upload cannot be deleted", error) from error


def _refused(what: str, error: ClientError | BotoCoreError) -> ScreenTimeError:
    if isinstance(error, ClientError) and _status(error) in CONFLICTS:
        return ConflictError(what)
    return TransientError(f"{what}: {error}")


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
