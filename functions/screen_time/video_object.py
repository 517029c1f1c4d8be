"""A video in S3: is it still the one that the event told of, and its bytes as a seekable file."""

import errno
import io
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.errors import ErrorCode, ObjectError, SupersededError, TransientError
from screen_time.events import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes of one ranged read: few requests for a long video, little waste for one that ends early."""

KEPT_BLOCKS = 4
"""Blocks held: a demuxer goes forth and back between audio, video and the index."""

OWN_CREDENTIALS = ("RequestTimeTooSkewed", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch")
"""Refusals that say nothing of the object: the function's own credentials or clock are at fault."""


class VideoObject(io.RawIOBase):
    """One version of an object as a read-only binary file that fetches ranges as they are read.

    `size` in bytes, `version_id`, `etag` and when it was `uploaded` (ISO 8601) are those of the object read;
    `bytes_fetched` counts. Reading raises the errors of `open_video_object`.
    """

    def __init__(self, s3: "S3Client", upload: Upload, latest: "HeadObjectOutputTypeDef") -> None:
        super().__init__()
        self._s3, self._upload, self._latest = s3, upload, latest
        self.size = latest["ContentLength"]
        self.version_id = latest.get("VersionId") if latest.get("VersionId") != "null" else None
        self.etag = latest["ETag"].strip('"')
        self.uploaded = latest["LastModified"].isoformat()
        self.bytes_fetched = 0
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def again(self) -> "VideoObject":
        """The same object anew, at its start, with what was fetched of it already."""
        other = VideoObject(self._s3, self._upload, self._latest)
        other._blocks = self._blocks.copy()
        return other

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
        """Read up to `size` bytes, fewer at the end of a block or of the object."""
        if self._position >= self.size or size == 0:
            return b""
        number, offset = divmod(self._position, BLOCK_BYTES)
        block = self._block(number)
        data = block[offset:] if size < 0 else block[offset : offset + size]
        self._position += len(data)
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._blocks[number] = self._fetch(number * BLOCK_BYTES)
            if len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, start: int) -> bytes:
        end = min(start + BLOCK_BYTES, self.size) - 1
        version = {"VersionId": self.version_id} if self.version_id else {}
        try:
            answer = self._s3.get_object(
                Bucket=self._upload.bucket,
                Key=self._upload.key,
                Range=f"bytes={start}-{end}",
                IfMatch=self.etag,
                **version,  # type: ignore[arg-type]
            )
            data = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error
        self.bytes_fetched += len(data)
        return data


def open_video_object(s3: "S3Client", upload: Upload) -> VideoObject:
    """Open the object that `upload` tells of, if it is still the latest of its key.

    Raises SupersededError where a newer one took its place, ObjectError where it is deleted, forbidden or encrypted
    with a key that the function does not have, TransientError where S3 does not answer.
    """
    try:
        latest = s3.head_object(Bucket=upload.bucket, Key=upload.key)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error) from error
    video = VideoObject(s3, upload, latest)
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
