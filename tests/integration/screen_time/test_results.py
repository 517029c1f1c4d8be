"""Exactly one document: several writers, whatever one does between two steps of the other."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import pytest

from screen_time.conditional_writes import File
from screen_time.errors import SupersededError, TransientError
from screen_time.provenance import Provenance
from screen_time.results import ATTEMPTS, ResultFolder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD = Provenance("old-1", "v1", sequencer="01")
OLD_REMEASURED = Provenance("old-2", "v1", sequencer="01")
NEW = Provenance("new-1", "v2", sequencer="02")
UNORDERED = Provenance("other", "v3")

Interruption = Callable[[], object]


def nothing() -> None:
    """Nobody comes between."""


def superseded() -> None:
    raise SupersededError("a newer upload")


class Writers:
    """Functions that write for one key; each opens the folder as it stands then."""

    def __init__(self, s3: "S3Client") -> None:
        self.s3 = s3

    def folder(self) -> ResultFolder:
        return ResultFolder(self.s3, "results", "a.mp4")

    def result(self, provenance: Provenance, between: Interruption = nothing) -> str:
        name = provenance.identity
        return self.write(self.folder(), provenance, f"result {name}", f"frames {name}", between)

    @staticmethod
    def write(
        folder: ResultFolder, provenance: Provenance, result: str, frames: str, between: Interruption = nothing
    ) -> str:
        files = [File("frames.csv", frames.encode(), "text/csv")]
        return folder.write_result(provenance, result.encode(), files, between)

    def error(self, provenance: Provenance, between: Interruption | None = nothing) -> str | None:
        return self.folder().write_error(provenance, f"error {provenance.identity}".encode(), between)

    def contents(self) -> dict[str, str]:
        listed = self.s3.list_objects_v2(Bucket="results").get("Contents", [])
        bodies = {item["Key"]: self.s3.get_object(Bucket="results", Key=item["Key"])["Body"].read() for item in listed}
        return {key.removeprefix("a.mp4/"): body.decode() for key, body in bodies.items()}


@pytest.fixture
def writers(s3: "S3Client") -> Writers:
    """All of them write into one bucket."""
    return Writers(s3)


def whole(provenance: Provenance) -> dict[str, str]:
    return {
        "frames.csv": f"frames {provenance.identity}",
        "screen-time.json": f"result {provenance.identity}",
    }


class Once:
    """What happens between two steps of a writer, the first time only."""

    def __init__(self, happening: Interruption) -> None:
        self.happening, self.happened = happening, False

    def __call__(self) -> None:
        if not self.happened:
            self.happening()
            self.happened = True


def test_a_newer_result_written_in_between_is_not_overwritten(writers: Writers) -> None:
    """The older one was found to be the latest, then another function measured the newer upload."""
    with pytest.raises(SupersededError):
        writers.result(OLD, Once(lambda: writers.result(NEW)))
    assert writers.contents() == whole(NEW)


def test_an_older_result_written_in_between_is_overwritten(writers: Writers) -> None:
    """The newer one tries again in its place."""
    writers.result(NEW, Once(lambda: writers.result(OLD)))
    assert writers.contents() == whole(NEW)


def test_a_duplicate_that_was_faster_is_left_alone(writers: Writers, s3: "S3Client") -> None:
    """Of two functions with one identity, one result stays, written once."""
    writers.result(OLD, Once(lambda: writers.result(OLD)))
    assert writers.contents() == whole(OLD)
    versions = s3.list_object_versions(Bucket="results", Prefix="a.mp4/screen-time.json")["Versions"]
    assert len(versions) == 1


def test_a_model_that_measured_the_same_object_meanwhile_is_left_to_the_next_attempt(writers: Writers) -> None:
    """Which asks who is champion then."""
    with pytest.raises(TransientError, match="Another model"):
        writers.result(OLD, Once(lambda: writers.result(OLD_REMEASURED)))
    assert writers.contents()["screen-time.json"] == "result old-2"


def test_a_model_promoted_later_replaces_the_result(writers: Writers) -> None:
    """A re-measurement is another identity of the same object."""
    writers.result(OLD)
    writers.result(OLD_REMEASURED)
    assert writers.contents() == whole(OLD_REMEASURED)


@pytest.mark.parametrize("first", ["error", "result"])
def test_result_and_error_of_one_upload_never_stand_together(writers: Writers, first: str) -> None:
    """Of one upload the result stays."""
    if first == "error":
        writers.error(OLD)
        writers.result(OLD_REMEASURED)
        assert writers.contents() == whole(OLD_REMEASURED)
    else:
        writers.result(OLD)
        assert writers.error(OLD_REMEASURED) is None
        assert writers.contents() == whole(OLD)


def test_an_error_of_a_newer_upload_takes_the_result_and_all_beside_it_away(writers: Writers) -> None:
    """Whatever files lie beside it, the result's metadata names them."""
    files = [File(name, b"x", "text/plain") for name in ("frames.csv", "report.html")]
    writers.folder().write_result(OLD, b"result", files, nothing)
    writers.error(NEW)
    assert writers.contents() == {"error.json": "error new-1"}


@pytest.mark.parametrize("kinds", [("result", "error"), ("error", "result")])
def test_a_newer_document_of_the_other_kind_written_in_between_wins(writers: Writers, kinds: tuple[str, str]) -> None:
    """They are different objects of S3: no condition on one sees the other."""
    older, newer = (getattr(writers, kind) for kind in kinds)
    with pytest.raises(SupersededError):
        older(OLD, Once(lambda: newer(NEW)))
    assert writers.contents() == ({"error.json": "error new-1"} if kinds[1] == "error" else whole(NEW))


@pytest.mark.parametrize("kinds", [("result", "error"), ("error", "result")])
def test_without_an_order_the_latest_of_the_key_wins(writers: Writers, kinds: tuple[str, str]) -> None:
    """Events made by hand have no sequencer."""
    older, newer = (getattr(writers, kind) for kind in kinds)
    happened = Once(lambda: newer(UNORDERED))

    def check() -> None:
        if happened.happened:
            superseded()
        happened()

    with pytest.raises(SupersededError):
        older(OLD, check)
    assert writers.contents() == ({"error.json": "error other"} if kinds[1] == "error" else whole(UNORDERED))


def test_an_error_about_a_video_that_is_gone_replaces_nothing_of_later_or_unknown_order(writers: Writers) -> None:
    """A late event of an older upload, after the video was deleted."""
    writers.result(NEW)
    for late in (OLD, UNORDERED):
        with pytest.raises(SupersededError):
            writers.error(late, None)
    assert writers.contents() == whole(NEW)


def test_an_answer_is_found_again_and_only_if_it_is_whole(writers: Writers, s3: "S3Client") -> None:
    """A result without its frames is written anew."""
    assert writers.folder().answer(OLD) is None
    writers.result(OLD)
    assert writers.folder().answer(OLD) == "s3://results/a.mp4/screen-time.json"
    assert writers.folder().answer(NEW) is None
    s3.put_object(Bucket="results", Key="a.mp4/frames.csv", Body=b"something else")
    assert writers.folder().answer(OLD) is None
    writers.result(OLD)
    assert writers.contents() == whole(OLD)


def test_what_a_killed_writer_left_is_finished_by_the_retry(writers: Writers, s3: "S3Client") -> None:
    """It had written its result and not yet taken the older error away."""
    writers.error(OLD)
    error = s3.get_object(Bucket="results", Key="a.mp4/error.json")
    writers.result(NEW)
    s3.put_object(Bucket="results", Key="a.mp4/error.json", Body=error["Body"].read(), Metadata=error["Metadata"])
    assert writers.folder().answer(NEW) is not None
    assert writers.contents() == whole(NEW)


def test_files_that_a_later_result_lacks_do_not_stay(writers: Writers) -> None:
    """Another version of this software may write other files."""
    writers.folder().write_result(OLD, b"result", [File("thumbnail.jpg", b"x", "image/jpeg")], nothing)
    writers.result(OLD_REMEASURED)
    assert writers.contents() == whole(OLD_REMEASURED)


def test_a_result_from_before_there_was_metadata_is_replaced(writers: Writers, s3: "S3Client") -> None:
    """An upgrade must not stop at what an earlier version has written."""
    for name in ("screen-time.json", "frames.csv"):
        s3.put_object(Bucket="results", Key=f"a.mp4/{name}", Body=b"earlier")
    writers.result(OLD)
    assert writers.contents() == whole(OLD)


def test_who_is_always_overtaken_leaves_it_to_the_queue(writers: Writers, s3: "S3Client") -> None:
    """A bounded number of attempts."""
    turns = count()
    with pytest.raises(TransientError, match="all the time"):
        writers.result(OLD, lambda: s3.put_object(Bucket="results", Key="a.mp4/frames.csv", Body=str(next(turns))))
    assert next(turns) == ATTEMPTS
