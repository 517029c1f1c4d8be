"""Where a video's documents are written: one prefix of the results bucket for each video, named by its key."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.documents import ERROR_NAME, FRAMES_NAME, RESULT_NAME
from screen_time.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ResultsBucket:
    """Writes a video's documents; raises TransientError where S3 does not take them."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def write_result(self, key: str, result: bytes, frames: bytes) -> str:
        """Write the frames, then the result, whose address is returned; an error from before is taken away."""
        self._put(key, FRAMES_NAME, frames, "text/csv; charset=utf-8")
        address = self._put(key, RESULT_NAME, result, "application/json")
        self._delete(key, ERROR_NAME)
        return address

    def write_error(self, key: str, error: bytes) -> str:
        """Write `error.json`, whose address is returned; a result of an earlier upload is taken away."""
        address = self._put(key, ERROR_NAME, error, "application/json")
        self._delete(key, RESULT_NAME)
        self._delete(key, FRAMES_NAME)
        return address

    def _put(self, key: str, name: str, body: bytes, content_type: str) -> str:
        path = f"{key}/{name}"
        try:
            self._s3.put_object(Bucket=self._bucket, Key=path, Body=body, ContentType=content_type)
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"{name} cannot be written: {error}") from error
        return f"s3://{self._bucket}/{path}"

    def _delete(self, key: str, name: str) -> None:
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=f"{key}/{name}")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"{name} of an earlier upload cannot be deleted: {error}") from error
