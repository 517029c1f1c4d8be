"""Reading a video from S3, and telling whether it is still the one that the event told of."""

import io
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.response import StreamingBody

from demo.clips import ClipSpec, at_rate, write_clip
from demo.numbered import numbered_frame, read_number
from screen_time.errors import ErrorCode, ObjectError, SupersededError, TransientError
from screen_time.events import Upload
from screen_time.video import Video
from screen_time.video_object import FIRST_BYTES, LARGEST_BYTES, VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def put(s3: "S3Client", body: bytes, key: str = "a.mp4") -> Upload:
    stored = s3.put_object(Bucket="videos", Key=key, Body=body)
    return Upload("videos", key, stored["VersionId"], stored["ETag"].strip('"'))


def test_ranges_add_up_to_the_object(s3: "S3Client") -> None:
    """Across the borders of ranges, forth and back, and each byte fetched once where it is read in order."""
    body = bytes(range(256)) * (LARGEST_BYTES // 100)
    file = open_video_object(s3, put(s3, body))
    assert file.size == len(body)
    found = bytearray()
    while part := file.read(1_000_003):
        found += part
    assert bytes(found) == body
    assert file.bytes_fetched == len(body)
    file.seek(FIRST_BYTES - 3)
    assert file.read(3) + file.read(5) == body[FIRST_BYTES - 3 : FIRST_BYTES + 5]
    file.seek(-7, 2)
    assert file.read() == body[-7:]


def test_a_look_at_a_place_fetches_little(s3: "S3Client") -> None:
    """An index at the end, a key frame in the middle: what follows there is only fetched as it is read."""
    body = bytes(LARGEST_BYTES * 3)
    file = open_video_object(s3, put(s3, body))
    for place in (0, len(body) // 2, len(body) - 100):
        file.seek(place)
        file.read(10)
    assert file.bytes_fetched == 2 * FIRST_BYTES + 100
    assert len(file.again().read(10)) == 10
    file.seek(0)
    file.read(10)
    assert file.bytes_fetched == 2 * FIRST_BYTES + 100


def test_what_is_read_on_and_on_is_fetched_ahead(s3: "S3Client") -> None:
    """Before anybody asks for it, and each byte once."""
    body = bytes(range(256)) * (LARGEST_BYTES // 50)
    requested: list[str] = []
    s3.meta.events.register("provide-client-params.s3.GetObject", lambda params, **_: requested.append(params["Range"]))
    with open_video_object(s3, put(s3, body), read_ahead=True) as file:
        found = bytearray()
        while file.tell() <= 2 * LARGEST_BYTES:
            found += file.read(1_000_003)
        ended = time.monotonic() + 10
        while int(requested[-1].removeprefix("bytes=").split("-")[0]) <= file.tell() and time.monotonic() < ended:
            time.sleep(0.01)
        assert int(requested[-1].removeprefix("bytes=").split("-")[0]) > file.tell()
        while part := file.read(1_000_003):
            found += part
        assert bytes(found) == body
        assert file.bytes_fetched == len(body)


def await_what_is_on_its_way(file: VideoObject) -> None:
    before = -1
    while file.bytes_fetched != before:
        before = file.bytes_fetched
        time.sleep(0.3)


def test_an_error_on_its_way_ahead_is_told_where_it_is_read(s3: "S3Client") -> None:
    """Deleted meanwhile: as if it had been fetched only then."""
    upload = put(s3, bytes(LARGEST_BYTES * 5))
    with open_video_object(s3, upload, read_ahead=True) as file:
        while file.tell() < LARGEST_BYTES:
            file.read(FIRST_BYTES)
        await_what_is_on_its_way(file)  # moto takes an object from under whoever reads it
        s3.delete_object(Bucket="videos", Key=upload.key, VersionId=str(upload.version_id))
        with pytest.raises(ObjectError):
            list(iter(file.read, b""))


@pytest.mark.parametrize("faststart", [False, True])
def test_a_video_is_sampled_straight_from_the_bucket(s3: "S3Client", tmp_path: Path, faststart: bool) -> None:
    """Wherever its index stands."""
    frames = at_rate(Fraction(25), (numbered_frame(number) for number in range(80)))
    path = write_clip(tmp_path / "clip.mp4", ClipSpec(faststart=faststart), frames)
    with Video.open(open_video_object(s3, put(s3, path.read_bytes()))) as video:
        assert [read_number(sample.image) for sample in video.samples()] == [0, 25, 50, 75]


def test_a_deleted_object_is_a_permanent_error(s3: "S3Client") -> None:
    """Its version is still there, but who deleted it wants no result."""
    upload = put(s3, b"video")
    s3.delete_object(Bucket="videos", Key=upload.key)
    with pytest.raises(ObjectError) as caught:
        open_video_object(s3, upload)
    assert caught.value.code is ErrorCode.OBJECT_DELETED


def test_an_overwritten_object_is_superseded(s3: "S3Client") -> None:
    """The newer upload has an event of its own."""
    old = put(s3, b"old")
    new = put(s3, b"new")
    with pytest.raises(SupersededError):
        open_video_object(s3, old)
    assert open_video_object(s3, new).read() == b"new"


def test_without_versions_the_etag_tells(s3: "S3Client") -> None:
    """A bucket need not keep versions."""
    s3.create_bucket(Bucket="plain")
    etag = s3.put_object(Bucket="plain", Key="a.mp4", Body=b"old")["ETag"].strip('"')
    upload = Upload("plain", "a.mp4", None, etag)
    assert open_video_object(s3, upload).version_id is None
    s3.put_object(Bucket="plain", Key="a.mp4", Body=b"new")
    with pytest.raises(SupersededError):
        open_video_object(s3, upload)


def test_an_object_overwritten_while_it_is_read_is_superseded(s3: "S3Client") -> None:
    """A range of the new object must not follow a range of the old one."""
    s3.create_bucket(Bucket="plain")
    etag = s3.put_object(Bucket="plain", Key="a.mp4", Body=b"old")["ETag"].strip('"')
    file = open_video_object(s3, Upload("plain", "a.mp4", None, etag))
    s3.put_object(Bucket="plain", Key="a.mp4", Body=b"new")
    with pytest.raises(SupersededError):
        file.read()


class Breaking:
    """An S3 client whose answers break off after a few bytes, some times."""

    def __init__(self, s3: "S3Client", times: int) -> None:
        self.s3, self.left = s3, times
        self.head_object = s3.head_object

    def get_object(self, **request: Any) -> Any:
        answer = self.s3.get_object(**request)
        if self.left:
            self.left -= 1
            whole = answer["ContentLength"]
            answer["Body"] = StreamingBody(io.BytesIO(b"few"), content_length=whole)
        return answer


def test_a_connection_lost_within_an_answer_costs_that_answer_only(s3: "S3Client") -> None:
    """The range is asked for again; botocore itself does not do that."""
    upload = put(s3, b"a video of some bytes")
    file = open_video_object(cast("S3Client", Breaking(s3, times=3)), upload)
    assert file.read() == b"a video of some bytes"


def test_a_network_that_keeps_breaking_is_left_to_the_queue(s3: "S3Client") -> None:
    """A transient error, after a bounded number of attempts."""
    upload = put(s3, b"a video of some bytes")
    file = open_video_object(cast("S3Client", Breaking(s3, times=9)), upload)
    with pytest.raises(TransientError):
        file.read()
