"""The handler with everything real around it but Lambda itself."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO, StringIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import av
import boto3
import numpy as np
import pytest

from demo.clips import ClipSpec, write_clip
from screen_time.export_format import ExportFormat
from screen_time.outlets import OutletSettings
from tests.registered_models import ModelRegistry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Event = dict[str, Any]


@dataclass
class Context:
    """What the function reads of Lambda's context object."""

    function_name: str = "screen-time"
    memory_limit_in_mb: int = 3008
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:screen-time"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def function(
    aws: None,
    registry: ModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[ModuleType]:
    """The handler's module, freshly imported as by a new process, with a champion in service."""
    alias = str(request.node.name).replace("_", "-").split("[")[0]
    registry.register(alias=alias)
    environment = {
        "RESULTS_BUCKET": "results",
        "MODELS_BUCKET": "models",
        "IDEMPOTENCY_TABLE": "idempotency",
        "QUEUE_URL": boto3.client("sqs").get_queue_url(QueueName="uploads")["QueueUrl"],
        "REGISTRY_URI": registry.uri,
        "MODEL_ALIAS": alias,
        "TMPDIR": str(tmp_path),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    sys.modules.pop("screen_time.handler", None)
    module = importlib.import_module("screen_time.handler")
    yield module
    module.decoder.close()
    sys.modules.pop("screen_time.handler", None)
    monkeypatch.setattr("tempfile.tempdir", None)


@pytest.fixture
def red_video(tmp_path: Path) -> bytes:
    """Two and a half seconds of red."""
    picture = np.full((48, 64, 3), (200, 0, 0), dtype=np.uint8)
    frames = ((Fraction(number, 10), picture) for number in range(25))
    return write_clip(tmp_path / "red.mp4", ClipSpec(frame_rate=Fraction(10)), frames).read_bytes()


def notification(s3: "S3Client", key: str, body: bytes) -> Event:
    """Upload, and make the event that S3 would send."""
    stored = s3.put_object(Bucket="videos", Key=key, Body=body)
    thing = {"key": quote_plus(key), "versionId": stored["VersionId"], "eTag": stored["ETag"].strip('"')}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return {"Records": [{**record, "s3": {"bucket": {"name": "videos"}, "object": thing}}]}


def batch(*bodies: str) -> Event:
    """The event of messages that the queue delivers."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="uploads")["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    records: list[Event] = []
    while len(records) < len(bodies):
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]:
            records.append(
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "messageAttributes": {},
                    "md5OfBody": message["MD5OfBody"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:uploads",
                    "awsRegion": "us-east-1",
                }
            )
    return {"Records": records}


def document(s3: "S3Client", path: str) -> Event:
    content: Event = json.loads(s3.get_object(Bucket="results", Key=path)["Body"].read())
    return content


def keys(s3: "S3Client") -> list[str]:
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket="results").get("Contents", []))


def versions(s3: "S3Client", path: str) -> int:
    return len(s3.list_object_versions(Bucket="results", Prefix=path).get("Versions", []))


KEY = "incoming/ep 1+ü%2B.mp4"


def test_an_upload_becomes_a_result_under_its_key(function: ModuleType, s3: "S3Client", red_video: bytes) -> None:
    """The key is decoded once, and everything about the video lies under it."""
    answer = function.handler(batch(json.dumps(notification(s3, KEY, red_video))), Context())
    assert answer == {"batchItemFailures": []}
    assert keys(s3) == [f"{KEY}/frames.csv", f"{KEY}/report.html", f"{KEY}/screen-time.json"]
    result = document(s3, f"{KEY}/screen-time.json")
    assert result["video"]["key"] == KEY
    assert result["characters"]["red"]["seconds"] == 2.5
    assert result["request_id"] == "request-1"


def test_exports_are_written_where_they_are_asked_for(
    function: ModuleType, s3: "S3Client", red_video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the result, served as what they are; the report always is there."""
    asked = OutletSettings(exports=tuple(ExportFormat))
    monkeypatch.setattr(function, "settings", replace(function.settings, outlets=asked))
    function.handler(batch(json.dumps(notification(s3, "a.mp4", red_video))), Context())
    types = {
        name: s3.head_object(Bucket="results", Key=name)["ContentType"]
        for name in keys(s3)
        if not name.endswith(".json")
    }
    assert types == {
        "a.mp4/chapters.vtt": "text/vtt; charset=utf-8",
        "a.mp4/frames.csv": "text/csv; charset=utf-8",
        "a.mp4/metadata.vtt": "text/vtt; charset=utf-8",
        "a.mp4/report.html": "text/html; charset=utf-8",
        "a.mp4/segments.csv": "text/csv; charset=utf-8",
        "a.mp4/segments.edl": "text/plain; charset=utf-8",
        "a.mp4/timeline.otio": "application/json",
    }


def test_others_are_told_of_each_video_once(
    function: ModuleType, s3: "S3Client", red_video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of results and of failures, not again for a duplicate; what the document says of itself can be filtered."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["screen-time"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    asked = OutletSettings(event_bus_name="default")
    monkeypatch.setattr(function, "settings", replace(function.settings, outlets=asked))
    good, bad = notification(s3, "good.mp4", red_video), notification(s3, "bad.mp4", b"no video")
    function.handler(batch(json.dumps(good), json.dumps(bad), json.dumps(good)), Context())
    heard = [json.loads(each["Body"]) for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    told = {(each["detail-type"], each["detail"]["document"].removeprefix("s3://results/")) for each in heard}
    assert len(heard) == 2
    assert told == {("Video Measured", "good.mp4/screen-time.json"), ("Video Failed", "bad.mp4/error.json")}
    tags = s3.get_object_tagging(Bucket="results", Key="bad.mp4/error.json")["TagSet"]
    assert {"Key": "error-code", "Value": "not_a_video"} in tags


@pytest.mark.parametrize("wrapping", ["s3", "eventbridge"])
def test_direct_events_are_understood_too(
    function: ModuleType, s3: "S3Client", red_video: bytes, wrapping: str
) -> None:
    """A bucket may invoke the function without a queue."""
    event = notification(s3, "a.mp4", red_video)
    if wrapping == "eventbridge":
        detail = {"bucket": {"name": "videos"}, "object": {"key": "a.mp4"}}
        event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert function.handler(event, Context()) == {"outcomes": ["measured"]}
    assert document(s3, "a.mp4/screen-time.json")["characters"]["red"]["percent"] == 100


def test_a_duplicate_event_makes_no_second_result(function: ModuleType, s3: "S3Client", red_video: bytes) -> None:
    """Another message with the same news."""
    body = json.dumps(notification(s3, "a.mp4", red_video))
    function.handler(batch(body), Context())
    function.handler(batch(body, body), Context())
    assert versions(s3, "a.mp4/screen-time.json") == 1


def test_the_same_video_uploaded_anew_is_measured_anew(function: ModuleType, s3: "S3Client", red_video: bytes) -> None:
    """A new version is a new object, whatever its bytes."""
    for _ in range(2):
        function.handler(batch(json.dumps(notification(s3, "a.mp4", red_video))), Context())
    assert versions(s3, "a.mp4/screen-time.json") == 2


def test_a_poison_file_ends_as_an_error_and_blocks_nobody(
    function: ModuleType, s3: "S3Client", red_video: bytes
) -> None:
    """Its batch goes on, and the event is done."""
    poison, good = notification(s3, "poison.mp4", b"no video"), notification(s3, "good.mp4", red_video)
    answer = function.handler(batch(json.dumps(poison), json.dumps(good)), Context())
    assert answer == {"batchItemFailures": []}
    assert document(s3, "poison.mp4/error.json")["error"]["code"] == "not_a_video"
    assert document(s3, "good.mp4/screen-time.json")["characters"]["red"]["seconds"] == 2.5


def test_a_message_that_is_no_event_fails_alone(function: ModuleType, s3: "S3Client", red_video: bytes) -> None:
    """It stays in the queue on its way to the dead letters; the other one is done."""
    event = batch("not JSON", json.dumps(notification(s3, "good.mp4", red_video)))
    bad = next(record["messageId"] for record in event["Records"] if record["body"] == "not JSON")
    assert function.handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": bad}]}
    assert "good.mp4/screen-time.json" in keys(s3)


def test_s3_s_test_event_is_acknowledged(function: ModuleType, s3: "S3Client") -> None:
    """S3 sends one when the notification is set up."""
    event = batch(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "videos"}))
    assert function.handler(event, Context()) == {"batchItemFailures": []}
    assert keys(s3) == []


def test_a_result_replaces_the_error_of_an_earlier_upload(
    function: ModuleType, s3: "S3Client", red_video: bytes
) -> None:
    """And an error the result: a video has one or the other."""
    function.handler(batch(json.dumps(notification(s3, "a.mp4", b"broken"))), Context())
    assert keys(s3) == ["a.mp4/error.json"]
    function.handler(batch(json.dumps(notification(s3, "a.mp4", red_video))), Context())
    assert keys(s3) == ["a.mp4/frames.csv", "a.mp4/report.html", "a.mp4/screen-time.json"]
    function.handler(batch(json.dumps(notification(s3, "a.mp4", b"broken again"))), Context())
    assert keys(s3) == ["a.mp4/error.json"]


def test_a_late_event_of_an_older_upload_changes_nothing(
    function: ModuleType, s3: "S3Client", red_video: bytes
) -> None:
    """S3 does not keep the order."""
    old, new = notification(s3, "a.mp4", b"broken"), notification(s3, "a.mp4", red_video)
    function.handler(batch(json.dumps(new)), Context())
    assert function.handler(batch(json.dumps(old)), Context()) == {"batchItemFailures": []}
    assert keys(s3) == ["a.mp4/frames.csv", "a.mp4/report.html", "a.mp4/screen-time.json"]


def test_a_duplicate_costs_no_second_measurement(
    function: ModuleType, s3: "S3Client", red_video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result itself tells that the event is answered, for as long as it stands there."""
    event = notification(s3, "a.mp4", red_video)
    assert function.handler(event, Context()) == {"outcomes": ["measured"]}
    monkeypatch.setattr("screen_time.ingest.measure_decoding", lambda *_args, **_options: pytest.fail("measured again"))
    assert function.handler(event, Context()) == {"outcomes": ["unchanged"]}
    s3.delete_object(Bucket="videos", Key="a.mp4")
    assert function.handler(event, Context()) == {"outcomes": ["unchanged"]}
    assert keys(s3) == ["a.mp4/frames.csv", "a.mp4/report.html", "a.mp4/screen-time.json"]


def test_a_deleted_result_is_measured_again(function: ModuleType, s3: "S3Client", red_video: bytes) -> None:
    """Nothing but the result remembers that there was one."""
    event = notification(s3, "a.mp4", red_video)
    function.handler(event, Context())
    s3.delete_object(Bucket="results", Key="a.mp4/screen-time.json")
    assert function.handler(event, Context()) == {"outcomes": ["measured"]}


def test_a_late_event_after_the_video_was_deleted_leaves_the_newer_result(
    function: ModuleType, s3: "S3Client", red_video: bytes
) -> None:
    """Only S3's sequencers tell by then which upload was the later one."""
    events = [notification(s3, "a.mp4", red_video) for _ in range(2)]
    for number, event in enumerate(events):
        event["Records"][0]["s3"]["object"]["sequencer"] = f"00{number}"
    old, new = events
    assert function.handler(new, Context()) == {"outcomes": ["measured"]}
    s3.delete_object(Bucket="videos", Key="a.mp4")
    assert function.handler(old, Context()) == {"outcomes": ["superseded"]}
    assert keys(s3) == ["a.mp4/frames.csv", "a.mp4/report.html", "a.mp4/screen-time.json"]


def test_after_a_rollback_a_video_can_be_measured_with_the_older_version_again(
    function: ModuleType, s3: "S3Client", red_video: bytes, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it was measured with it before must not count: another version's result stands there now."""
    alias, now = function.settings.model_alias, [0.0]
    monkeypatch.setattr(function._champion(), "_clock", lambda: now[0])
    event, seen = notification(s3, "a.mp4", red_video), []
    first, second = registry.register(alias=alias), registry.register()
    for version in (first, second, first):
        registry.move(alias, version)
        now[0] += 10
        assert function.handler(event, Context()) == {"outcomes": ["measured"]}
        seen.append(document(s3, "a.mp4/screen-time.json")["model"]["version"])
    assert seen == [first, second, first]


def test_an_object_deleted_before_it_was_read_ends_as_an_error(
    function: ModuleType, s3: "S3Client", red_video: bytes
) -> None:
    """Nothing is both lost and silent."""
    event = batch(json.dumps(notification(s3, "a.mp4", red_video)))
    s3.delete_object(Bucket="videos", Key="a.mp4")
    assert function.handler(event, Context()) == {"batchItemFailures": []}
    assert document(s3, "a.mp4/error.json")["error"]["code"] == "object_deleted"


def test_a_transient_failure_is_left_to_the_queue_and_then_succeeds(
    function: ModuleType, s3: "S3Client", red_video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed attempt leaves no trace that would stop the next one."""
    event = batch(json.dumps(notification(s3, "a.mp4", red_video)))
    real = function._ingest().process

    def throttled(*_: object) -> str:
        from screen_time.errors import TransientError

        raise TransientError("S3 answers SlowDown.")

    monkeypatch.setattr(function._ingest(), "process", throttled)
    failed = function.handler(event, Context())["batchItemFailures"]
    assert failed == [{"itemIdentifier": event["Records"][0]["messageId"]}]
    monkeypatch.setattr(function._ingest(), "process", real)
    assert function.handler(event, Context()) == {"batchItemFailures": []}
    assert versions(s3, "a.mp4/screen-time.json") == 1


def test_a_video_over_the_size_limit_is_refused_unread(
    function: ModuleType, s3: "S3Client", red_video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the object's own size."""
    from dataclasses import replace

    from screen_time.ingest import Ingest

    small = Ingest(s3, replace(function.settings, max_video_bytes=len(red_video) - 1))
    monkeypatch.setattr(function, "_ingest", lambda: small)
    function.handler(batch(json.dumps(notification(s3, "a.mp4", red_video))), Context())
    assert document(s3, "a.mp4/error.json")["error"]["code"] == "too_large"


def test_metrics_and_logs_are_structured(
    function: ModuleType, s3: "S3Client", red_video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch reads metrics from the log in its embedded metric format."""
    function.handler(batch(json.dumps(notification(s3, "a.mp4", red_video))), Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (metric,) = (line for line in lines if "VideosMeasured" in line)
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ScreenTime"
    assert metric["SamplesClassified"] == [3.0]


def test_logs_hold_no_contents_of_videos_and_no_signatures(
    function: ModuleType,
    s3: "S3Client",
    red_video: bytes,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a file says of itself stays in it, also where it is refused; keys of objects are logged, contents never."""
    log = StringIO()
    monkeypatch.setattr(function.logger.registered_handler, "stream", log)
    titled = tmp_path / "titled.mp4"
    with av.open(BytesIO(red_video), "r") as source, av.open(str(titled), "w") as target:
        target.metadata["title"] = "the secret title"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert b"the secret title" in titled.read_bytes()
    for body in (titled.read_bytes(), b"the secret title, and no video"):
        function.handler(batch(json.dumps(notification(s3, "a.mp4", body))), Context())
    written = log.getvalue() + "".join(capfd.readouterr())
    assert '"measured"' in written
    assert '"refused"' in written
    for word in ("secret title", "X-Amz-", "Signature", "AWSAccessKeyId", "Authorization"):
        assert word not in written
