"""A video in S3: is it still the one that the event told of, and its bytes as a seekable file."""

import errno
import io
import os
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from screen_time.errors import ErrorCode, ObjectError, SupersededError, TransientError
from screen_time.events import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

FIRST_BYTES = 256 * 1024
"""Bytes of the first ranged read at a place: little waste where only an index or a key frame is looked at."""

LARGEST_BYTES = 4 * 1024 * 1024
"""Each read that goes on where the last one ended is twice as large, up to this: few requests for a long video."""

STREAM_ERRORS = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
"""A connection lost within an answer: botocore repeats requests by itself, but not what it has begun to hand out."""

STREAM_ATTEMPTS = 4
"""How often a range is asked for then: a lost connection must not cost the hour that was measured already."""

KEPT_RANGES = 4
"""Ranges held: a demuxer goes forth and back between audio, video and the index."""

OWN_CREDENTIALS = ("RequestTimeTooSkewed", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch")
"""Refusals that say nothing of the object: the function's own credentials or clock are at fault."""


class VideoObject(io.RawIOBase):
    """One version of an object as a read-only binary file that fetches ranges as they are read.

    `size` in bytes, `version_id`, `etag` and when it was `uploaded` (ISO 8601) are those of the object read;
    `bytes_fetched` counts. Reading raises the errors of `open_video_object`. With `read_ahead` the next range is on its
    way while this one is decoded, once it is read from place to place in full ranges.
    """

    def __init__(
        self, s3: "S3Client", upload: Upload, latest: "HeadObjectOutputTypeDef", *, read_ahead: bool = False
    ) -> None:
        super().__init__()
        self._read_ahead = read_ahead
        self._reader: ThreadPoolExecutor | None = None
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._s3, self._upload, self._latest = s3, upload, latest
        self.size = latest["ContentLength"]
        self.version_id = latest.get("VersionId") if latest.get("VersionId") != "null" else None
        self.etag = latest["ETag"].strip('"')
        self.uploaded = latest["LastModified"].isoformat()
        self.bytes_fetched = 0
        self._position = 0
        self._ranges: OrderedDict[int, bytes] = OrderedDict()

    def again(self) -> "VideoObject":
        """The same object anew, at its start, with what was fetched of it already."""
        other = VideoObject(self._s3, self._upload, self._latest, read_ahead=self._read_ahead)
        other._ranges = self._ranges.copy()
        return other

    def close(self) -> None:
        """Wait for nothing that is still on its way."""
        if self._reader is not None:
            self._reader.shutdown(wait=False, cancel_futures=True)
        super().close()

    def readable(self) -> bool:
        """True: it is opened for reading."""
        return True

    def seekable(self) -> bool:
        """True: any range can be fetched."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, which costs nothing until it is read from there."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if origin + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = origin + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, fewer at the end of what was fetched or of the object."""
        if self._position >= self.size or size == 0:
            return b""
        start, fetched = self._range()
        offset = self._position - start
        data = fetched[offset:] if size < 0 else fetched[offset : offset + size]
        self._position += len(data)
        return data

    def _range(self) -> tuple[int, bytes]:
        """Where the range with the position begins, and its bytes."""
        for start, fetched in self._ranges.items():
            if start <= self._position < start + len(fetched):
                self._ranges.move_to_end(start)
                return start, fetched
        before = (len(fetched) for start, fetched in self._ranges.items() if start + len(fetched) == self._position)
        size = min(2 * next(before, FIRST_BYTES // 2), LARGEST_BYTES)
        self._ranges[self._position] = self._fetched_ahead() or self._fetch(self._position, size)
        if len(self._ranges) > KEPT_RANGES:
            self._ranges.popitem(last=False)
        if self._read_ahead and size == LARGEST_BYTES:
            self._fetch_ahead(self._position + size)
        return self._position, self._ranges[self._position]

    def _fetched_ahead(self) -> bytes | None:
        """What was fetched ahead for this position; raises what went wrong on its way."""
        ahead, self._ahead = self._ahead, None
        return ahead[1].result() if ahead is not None and ahead[0] == self._position else None

    def _fetch_ahead(self, start: int) -> None:
        if start >= self.size:
            return
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead = start, self._reader.submit(self._fetch, start, LARGEST_BYTES)

    def _fetch(self, start: int, size: int) -> bytes:
        end = min(start + size, self.size) - 1
        for left in reversed(range(STREAM_ATTEMPTS)):
            try:
                data = self._requested(f"bytes={start}-{end}")
            except (ClientError, BotoCoreError) as error:
                if left and isinstance(error, STREAM_ERRORS):
                    continue
                raise _translated(error) from error
            self.bytes_fetched += len(data)
            return data
        raise AssertionError("the last attempt returns or raises")

    def _requested(self, byte_range: str) -> bytes:
        version = {"VersionId": self.version_id} if self.version_id else {}
        answer = self._s3.get_object(
            Bucket=self._upload.bucket,
            Key=self._upload.key,
            Range=byte_range,
            IfMatch=self.etag,
            **version,  # type: ignore[arg-type]
        )
        return answer["Body"].read()


def open_video_object(s3: "S3Client", upload: Upload, *, read_ahead: bool = False) -> VideoObject:
    """Open the object that `upload` tells of, if it is still the latest of its key.

    Raises SupersededError where a newer one took its place, ObjectError where it is deleted, forbidden or encrypted
    with a key that the function does not have, TransientError where S3 does not answer.
    """
    try:
        latest = s3.head_object(Bucket=upload.bucket, Key=upload.key)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error) from error
    video = VideoObject(s3, upload, latest, read_ahead=read_ahead)
    if not _same(upload, video.version_id, video.etag):
        raise SupersededError(f"{upload.key} was overwritten by a newer upload, whose own event decides.")
    return video


def _same(upload: Upload, version_id: str | None, etag: str) -> bool:
    if upload.version_id is not None:
        return upload.version_id == version_id
    return upload.etag is None or upload.etag.strip('"') == etag


def _translated(error: ClientError | BotoCoreError) -> Exception:
    """S3's answer as one of our errors."""
    if not isinstance(error, ClientError):
        return TransientError(f"S3 does not answer: {error}")
    code = error.response["Error"]["Code"]
    match error.response["ResponseMetadata"]["HTTPStatusCode"]:
        case 404 | 405:
            found: Exception = ObjectError(ErrorCode.OBJECT_DELETED, "The video was deleted before it was read.")
        case 412:
            found = SupersededError("The video was overwritten while it was read.")
        case 400:
            found = ObjectError(ErrorCode.OBJECT_ENCRYPTED, "The video is encrypted with a key of its owner's.")
        case 403 if code.startswith("KMS."):
            found = ObjectError(ErrorCode.OBJECT_ENCRYPTED, "The video's encryption key may not be used.")
        case 403 if code not in OWN_CREDENTIALS:
            found = ObjectError(ErrorCode.OBJECT_FORBIDDEN, "The video may not be read by the function.")
        case _:
            found = TransientError(f"S3 answers {code}.")
    return found
