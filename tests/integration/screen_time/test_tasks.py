"""The state machine's tasks, one after the other as it would ask for them, with S3 by moto."""

import importlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from demo.clips import ClipSpec, Picture, at_rate, write_clip
from screen_time.documents import ModelIdentity
from screen_time.errors import SupersededError
from screen_time.events import Upload
from screen_time.jobs import Job
from screen_time.manifest import MANIFEST_NAME, sha256
from screen_time.merging import PartialsError, SeamError
from screen_time.partials import PREFIX
from screen_time.video_object import VideoObject, open_video_object
from tests.models import write_colour_model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

Event = dict[str, Any]

FRAMES = 500


class Context:
    """What the function reads of Lambda's context object."""

    function_name = "tasks"
    memory_limit_in_mb = 3008
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:tasks"
    aws_request_id = "request-1"


@dataclass
class Execution:
    """A video in the bucket, and the tasks of its execution."""

    tasks: ModuleType
    s3: "S3Client"
    job: Job

    def do(self, task: str, **more: Any) -> Event:
        """Let the function do a task, through JSON as Step Functions would have it."""
        event = {"task": task, **json.loads(self.job.to_json()), **more}
        answer: Event = self.tasks.handler(json.loads(json.dumps(event)), Context())
        return answer

    def plan(self) -> list[Event]:
        segments: list[Event] = self.do("plan")["segments"]
        return segments

    def measure(self, segments: list[Event]) -> list[Event]:
        """What the map's outcomes would be, if nothing fails."""
        return [self.do("measure", segment=segment) for segment in segments]

    def merge(self, segments: list[Event], outcomes: list[Event] | None = None) -> None:
        started = "2026-01-01T00:00:00.000Z"
        self.do("merge", segments=segments, outcomes=outcomes or [{"samples": 1}], started_at=started)

    def written(self, prefix: str = "") -> set[str]:
        """What lies in the results bucket."""
        found = self.s3.list_objects_v2(Bucket="results", Prefix=prefix).get("Contents", ())
        return {item["Key"] for item in found}

    @property
    def partials(self) -> set[str]:
        return self.written(f"{PREFIX}/{self.job.name}/")

    def document(self, name: str = "screen-time.json") -> Event:
        body = self.s3.get_object(Bucket="results", Key=f"{self.job.upload.key}/{name}")["Body"].read()
        document: Event = json.loads(body)
        return document


def pictures() -> Iterator[Picture]:
    for number in range(FRAMES):
        colour = [127 + 120 * np.sin(number / period) for period in (17, 71, 230)]
        yield np.full((48, 64, 3), colour, dtype=np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Fifty seconds, with a key frame every other one."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, ClipSpec(frame_rate=Fraction(10), gop=20), at_rate(Fraction(10), pictures())).read_bytes()


def keep_model(s3: "S3Client", directory: Path, version: str, labels: tuple[str, ...]) -> ModelIdentity:
    """Put a version into the models bucket, as it is kept when it comes into service."""
    manifest = write_colour_model(directory, labels)
    digest = sha256((directory / MANIFEST_NAME).read_bytes())
    for name in (MANIFEST_NAME, *manifest.files):
        s3.upload_file(str(directory / name), "models", f"screen-time/{version}-{digest}/{name}")
    return ModelIdentity("screen-time", version, "champion", None, digest)


@pytest.fixture
def execution(s3: "S3Client", clip: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Execution]:
    """A video that was handed over, with the tasks' module freshly imported; no registry answers."""
    environment = {
        "RESULTS_BUCKET": "results",
        "MODELS_BUCKET": "models",
        "REGISTRY_URI": "http://127.0.0.1:9",
        "SEGMENT_SECONDS": "0.01",
        "SEGMENT_REREAD_BYTES": "16000000",
        "TMPDIR": str(tmp_path),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    model = keep_model(s3, tmp_path / "model", "3", ("red", "green", "blue"))
    stored = s3.put_object(Bucket="videos", Key="film 1.mp4", Body=clip)
    upload = Upload("videos", "film 1.mp4", stored["VersionId"], stored["ETag"].strip('"'), None)
    sys.modules.pop("screen_time.tasks", None)
    module = importlib.import_module("screen_time.tasks")
    yield Execution(module, s3, Job(upload, model, 250))
    module.decoder.close()
    sys.modules.pop("screen_time.tasks", None)
    monkeypatch.setattr("tempfile.tempdir", None)


def test_the_tasks_together_write_what_one_invocation_would(execution: Execution) -> None:
    """Plan, measure, merge, discard: the result and its frames, and no partial is left."""
    segments = execution.plan()
    assert len(segments) > 3
    assert sum(outcome["samples"] for outcome in execution.measure(segments)) == 200
    assert len(execution.partials) == len(segments)
    execution.merge(segments)
    document, frames = execution.document(), execution.s3.get_object(Bucket="results", Key="film 1.mp4/frames.csv")
    table = frames["Body"].read()
    execution.do("discard")
    assert execution.partials == set()
    assert document["sampling"] == {"interval_seconds": 0.25, "samples": 200}
    assert document["video"]["duration_seconds"] == 50.0
    # Once more in one piece, which writes the same.
    whole = [{"number": 0, "first": 0, "stop": None}]
    execution.s3.delete_object(Bucket="results", Key="film 1.mp4/screen-time.json")
    execution.measure(whole)
    execution.merge(whole)
    again = execution.document()
    for each in (document, again):
        for name in ("measured_at", "timings", "counters"):
            del each[name]
    assert again == document
    assert execution.s3.get_object(Bucket="results", Key="film 1.mp4/frames.csv")["Body"].read() == table


def test_a_worker_that_runs_twice_changes_nothing(execution: Execution) -> None:
    """One after the other and at the same time: each segment has the one partial that was first."""
    segments = execution.plan()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: execution.measure(segments[:2]), range(2)))
    before = {key: execution.s3.head_object(Bucket="results", Key=key)["VersionId"] for key in execution.partials}
    assert len(before) == 2
    assert execution.measure(segments[:2]) == [{"samples": 0}, {"samples": 0}]
    after = {key: execution.s3.head_object(Bucket="results", Key=key)["VersionId"] for key in execution.partials}
    assert after == before


def test_every_task_may_be_done_again(execution: Execution) -> None:
    """Step Functions invokes at least once: a merge or a discard that is repeated leaves the result as it is."""
    segments = execution.plan()
    execution.measure(segments)
    for _ in range(2):
        execution.merge(segments)
    for _ in range(2):
        execution.do("discard")
    assert execution.document()["sampling"]["samples"] == 200
    found = execution.s3.list_object_versions(Bucket="results", Prefix="film 1.mp4/screen-time.json")
    assert len(found["Versions"]) == 1


def test_workers_use_the_model_that_was_chosen_whatever_is_promoted_meanwhile(
    execution: Execution, tmp_path: Path
) -> None:
    """A version that is kept later, and whatever the alias names, is nothing to them: only the job is."""
    segments = execution.plan()
    execution.measure(segments[:1])
    keep_model(execution.s3, tmp_path / "newer", "4", ("rot", "gruen", "blau"))
    execution.measure(segments[1:])
    execution.merge(segments)
    assert execution.document()["model"]["version"] == "3"
    assert set(execution.document()["characters"]) == {"red", "green", "blue"}


def test_a_missing_partial_is_refused_and_nothing_is_written(execution: Execution) -> None:
    """Half a film is no result."""
    segments = execution.plan()
    execution.measure(segments[:-1])
    with pytest.raises(PartialsError, match="no partial"):
        execution.merge(segments)
    assert "film 1.mp4/screen-time.json" not in execution.written()


def test_a_partial_of_another_execution_is_refused(execution: Execution) -> None:
    """Whoever put it there: it is not of this video, this model and this plan."""
    segments = execution.plan()
    execution.measure(segments)
    stranger = Execution(execution.tasks, execution.s3, Job(execution.job.upload, execution.job.model, 500))
    stranger.measure(stranger.plan()[:1])
    (theirs,) = stranger.partials
    source: CopySourceTypeDef = {"Bucket": "results", "Key": theirs}
    target = f"{PREFIX}/{execution.job.name}/9999-0-1.json.gz"
    execution.s3.copy_object(Bucket="results", CopySource=source, Key=target)
    with pytest.raises(PartialsError, match="something else"):
        execution.merge(segments)
    execution.s3.put_object(Bucket="results", Key=target, Body=b"no partial")
    with pytest.raises(PartialsError, match="something else"):
        execution.merge(segments)


def test_segments_that_do_not_meet_are_told_by_their_own_error(execution: Execution) -> None:
    """The state machine measures such a video in one piece."""
    gap: list[Event] = [{"number": 0, "first": 0, "stop": 10}, {"number": 1, "first": 40, "stop": None}]
    execution.measure(gap)
    with pytest.raises(SeamError):
        execution.merge(gap)


def failure(error: str, message: str) -> Event:
    """What Step Functions hands on of a Lambda function's error."""
    return {"Error": error, "Cause": json.dumps({"errorType": error, "errorMessage": message, "stackTrace": []})}


def test_a_segment_that_is_refused_fails_the_video_with_its_reason(execution: Execution) -> None:
    """The worker's code and sentence are those of error.json, and the partials of its neighbours are gone."""
    segments = execution.plan()
    execution.measure(segments[:2])
    refusal = failure("RefusedError", json.dumps({"code": "too_long", "message": "The video is too long."}))
    crash = failure("Runtime.ExitError", "signal: killed")
    with pytest.raises(Exception, match="too_long") as caught:
        execution.merge(segments, [{"samples": 1}, {"failure": refusal}, {"failure": crash}])
    assert type(caught.value).__name__ == "RefusedError"
    execution.do("refuse", failure=failure("RefusedError", str(caught.value)))
    assert execution.document("error.json")["error"] == {"code": "too_long", "message": "The video is too long."}
    assert execution.written() == {"film 1.mp4/error.json"}


def test_a_segment_that_is_never_finished_fails_the_video_as_unfinished(execution: Execution) -> None:
    """What was tried in vain has a code of its own; it says what the last attempt ended with."""
    execution.measure(execution.plan()[:1])
    for _ in range(2):
        execution.do("refuse", failure={"Error": "Sandbox.Timedout", "Cause": "Task timed out"})
    error = execution.document("error.json")["error"]
    assert error["code"] == "unfinished"
    assert "Sandbox.Timedout" in error["message"]
    assert execution.written() == {"film 1.mp4/error.json"}
    assert len(execution.s3.list_object_versions(Bucket="results", Prefix="film 1.mp4/error.json")["Versions"]) == 1


def test_an_execution_that_is_started_again_replaces_the_error_of_the_one_that_failed(execution: Execution) -> None:
    """What an operator does once the cause is mended."""
    execution.do("refuse", failure={"Error": "Sandbox.Timedout", "Cause": "Task timed out"})
    segments = execution.plan()
    execution.measure(segments)
    execution.merge(segments)
    assert "film 1.mp4/error.json" not in execution.written()
    assert execution.document()["sampling"]["samples"] == 200


@pytest.mark.parametrize("task", ["plan", "measure", "merge"])
def test_a_video_that_was_replaced_is_given_up_quietly(execution: Execution, task: str) -> None:
    """The newer upload's own event decides; an error of the older one is not written either."""
    execution.s3.put_object(Bucket="videos", Key="film 1.mp4", Body=b"another one")
    more = {
        "segment": {"number": 0, "first": 0, "stop": None},
        "segments": [],
        "outcomes": [],
        "started_at": "2026-01-01",
    }
    with pytest.raises(SupersededError):
        execution.do(task, **more)
    execution.do("refuse", failure={"Error": "Sandbox.Timedout", "Cause": "Task timed out"})
    assert execution.written() == set()


def test_a_video_that_is_deleted_meanwhile_is_refused(execution: Execution) -> None:
    """The object's own code, as where one function measures."""
    execution.s3.delete_object(Bucket="videos", Key="film 1.mp4")
    with pytest.raises(Exception, match="object_deleted") as caught:
        execution.plan()
    execution.do("refuse", failure=failure("RefusedError", str(caught.value)))
    assert execution.document("error.json")["error"]["code"] == "object_deleted"


def large_file(path: Path, seconds: int) -> Path:
    """A frame a second, none of them compressed: a third of a megabyte each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=1)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(seconds):
            frame = av.VideoFrame.from_ndarray(np.full((540, 640), number % 256, dtype=np.uint8), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_segments_together_read_little_more_than_the_file(
    execution: Execution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At most 1.15 times the file from S3, with the settings as they are deployed."""
    path = large_file(tmp_path / "large.mkv", seconds=300)
    stored = execution.s3.put_object(Bucket="videos", Key="large.mkv", Body=path.read_bytes())
    upload = Upload("videos", "large.mkv", stored["VersionId"], stored["ETag"].strip('"'), None)
    execution.job = replace(execution.job, upload=upload, interval_ms=1000)
    opened: list[VideoObject] = []

    def opening(s3: "S3Client", upload: Upload) -> VideoObject:
        opened.append(open_video_object(s3, upload))
        return opened[-1]

    monkeypatch.setattr("screen_time.segments.open_video_object", opening)
    monkeypatch.setattr(execution.tasks, "settings", replace(execution.tasks.settings, segment_reread_bytes=1))
    segments = execution.plan()
    assert len(segments) > 1
    execution.measure(segments)
    execution.merge(segments)
    size = path.stat().st_size
    assert size <= sum(video.bytes_fetched for video in opened) <= 1.15 * size
