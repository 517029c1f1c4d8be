"""What people rely on, tried on the deployed template with the real function and registry."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.e2e.conftest import ROOT, System

SCHEMA = json.loads((ROOT / "docs" / "screen-time.schema.json").read_text())


def seconds(document: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    return {name: found["seconds"] for name, found in document["characters"].items()}


def test_a_dropped_video_gets_its_screen_time(system: System, short_video: bytes) -> None:
    """From the upload to a JSON that follows the published schema."""
    system.drop("incoming/ep 1+2.mp4", short_video)
    document = system.document("incoming/ep 1+2.mp4")
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(document)
    assert seconds(document) == {"red": 2.0, "green": 1.0, "blue": 0.5}
    assert document["video"]["duration_seconds"] == 3.5
    assert document["video"]["key"] == "incoming/ep 1+2.mp4"


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS command line is not installed")
def test_the_plain_aws_command_drops_and_reads(system: System, short_video: bytes, tmp_path: Path) -> None:
    """Any AWS client works against the endpoint."""
    (tmp_path / "v.mp4").write_bytes(short_video)
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}

    def aws(*arguments: str) -> str:
        command = ["aws", "--endpoint-url", system.stack.aws_endpoint, "s3", *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **credentials}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    aws("cp", str(tmp_path / "v.mp4"), f"s3://{system.videos}/cli/v.mp4")
    system.document("cli/v.mp4")
    document = json.loads(aws("cp", f"s3://{system.results}/cli/v.mp4/screen-time.json", "-"))
    assert seconds(document)["red"] == 2.0


def test_ten_videos_at_once_each_get_exactly_one_result(system: System, short_video: bytes) -> None:
    """However many functions run beside each other."""
    keys = [f"ten/{number}.mp4" for number in range(10)]
    for key in keys:
        system.drop(key, short_video)
    for key in keys:
        assert seconds(system.document(key))["red"] == 2.0
    system.wait_until_idle()
    assert [system.times_written(key) for key in keys] == [1] * 10


def test_a_duplicate_event_makes_no_second_result(system: System, short_video: bytes) -> None:
    """S3 delivers at least once; the second message has another id."""
    system.drop("twice.mp4", short_video)
    document = system.document("twice.mp4")
    video = document["video"]
    stored = {"key": "twice.mp4", "versionId": video["version_id"], "eTag": video["etag"]}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    event = {"Records": [{**record, "s3": {"bucket": {"name": video["bucket"]}, "object": stored}}]}
    sqs = system.stack.client("sqs")
    for _ in range(3):
        sqs.send_message(QueueUrl=system.stack.outputs["QueueUrl"], MessageBody=json.dumps(event))
    system.wait_until_idle()
    assert system.times_written("twice.mp4") == 1


def test_a_poison_file_ends_as_an_error_and_blocks_nobody(system: System, short_video: bytes) -> None:
    """What was dropped after it is measured all the same."""
    system.drop("poison.mp4", b"this is no video at all")
    system.drop("after-poison.mp4", short_video)
    assert system.error("poison.mp4")["error"]["code"] == "not_a_video"
    assert seconds(system.document("after-poison.mp4"))["red"] == 2.0
    system.wait_until_idle()
    assert "poison.mp4/screen-time.json" not in system.written()


def test_a_promoted_version_serves_the_next_video_and_a_rollback_the_one_after(
    system: System, short_video: bytes
) -> None:
    """Without a restart: the same processes, another model."""
    system.drop("before.mp4", short_video)
    first = system.document("before.mp4")["model"]["version"]
    processes = {environment.pid for environment in system.stack.execution_environments}
    second = system.registry.register(("rot", "gruen", "blau"), alias="champion")
    time.sleep(6)  # the registry is asked at most every five seconds
    system.drop("promoted.mp4", short_video)
    document = system.document("promoted.mp4")
    assert document["model"]["version"] == second
    assert seconds(document)["rot"] == 2.0
    system.registry.move("champion", first)
    time.sleep(6)
    system.drop("rolled-back.mp4", short_video)
    assert system.document("rolled-back.mp4")["model"]["version"] == first
    assert {environment.pid for environment in system.stack.execution_environments} >= processes


@pytest.mark.slow
def test_a_video_whose_function_is_killed_midway_is_measured_by_the_retry(system: System, long_video: bytes) -> None:
    """The attempt leaves no result; the next one finds the way free."""
    system.drop("killed.mp4", long_video)
    time.sleep(1.5)
    assert system.stack.execution_environments
    for environment in system.stack.execution_environments:
        os.kill(environment.pid, signal.SIGKILL)
    time.sleep(1)
    assert "killed.mp4/screen-time.json" not in system.written()
    assert seconds(system.document("killed.mp4", seconds=150))["red"] == 7200
    system.wait_until_idle()
    assert system.times_written("killed.mp4") == 1


def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue_by_itself(system: System) -> None:
    """It is not lost, and nobody waits for it; this one is only seen to come back."""
    sqs = system.stack.client("sqs")
    sqs.send_message(QueueUrl=system.stack.outputs["QueueUrl"], MessageBody="not an event")
    end = time.monotonic() + 30
    while not any("the queue tries again" in line for line in system.log):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert system.messages() == 1
