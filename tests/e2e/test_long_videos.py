"""Long videos on the deployed template: the real state machine, its workers real processes, some of them killed."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.simulation import Limits, LongVideo, Simulation
from demo.clips import ClipSpec, Picture, at_rate, write_clip
from infra.local.adaptations import concurrency
from screen_time.partials import PREFIX
from tests.e2e.conftest import COLOURS, System

Execution = dict[str, Any]

TASKS = "screen_time.tasks.handler"
RATE = Fraction(2)
SCENES = (("red", 3000), ("green", 2500), ("blue", 1700.5))
"""Two hours and half a second."""


@pytest.fixture(scope="module")
def parameters() -> dict[str, str]:
    """A fraction of a second's work counts as long, small files are shared too, and frames may not be large."""
    long = {"LongVideoSeconds": "0.001", "SegmentSeconds": "0.3", "SegmentRereadBytes": "16000000"}
    return {**long, "MaxVideoPixels": "10000"}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two hours, a key frame each ten seconds."""

    def pictures() -> Iterator[Picture]:
        for colour, length in SCENES:
            yield from [np.full((48, 64, 3), COLOURS[colour], dtype=np.uint8)] * round(length * RATE)

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_clip(path, ClipSpec(frame_rate=RATE, gop=20), at_rate(RATE, pictures())).read_bytes()


@pytest.fixture
def growing(tmp_path: Path) -> bytes:
    """A minute whose frames are small at first and then larger than the limit, which the header does not tell."""
    path = tmp_path / "growing.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=2, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 2)
        stream.gop_size = 10
        for start, width, height in ((0, 64, 48), (60, 160, 120)):
            encoder = av.CodecContext.create("libvpx-vp9", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 2), Fraction(2), 10
            encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
            for number in [*range(start, start + 60), None]:
                frame = None
                if number is not None:
                    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), number, np.uint8), format="rgb24")
                    frame.pts, frame.time_base = number, Fraction(1, 2)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    return path.read_bytes()


def executions(system: System) -> list[Execution]:
    found: list[Execution] = system.stack.client("stepfunctions").list_executions(
        stateMachineArn=system.stack.outputs["LongVideosArn"]
    )["executions"]
    return found


def described(system: System, execution: Execution) -> Execution:
    found: Execution = system.stack.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    return found


def execution_of(system: System, key: str, seconds: float = 60) -> Execution:
    """The execution that measures a video, as soon as it is there."""
    end = time.monotonic() + seconds
    while True:
        for execution in executions(system):
            found = described(system, execution)
            if json.loads(found["input"])["job"]["upload"]["key"] == key:
                return found
        assert time.monotonic() < end, f"no execution after {seconds} s; the log ends: {system.log[-15:]}"
        time.sleep(0.1)


def ended(system: System, execution: Execution, seconds: float = 120) -> Execution:
    """The execution, as soon as it has ended."""
    end = time.monotonic() + seconds
    while (found := described(system, execution))["status"] == "RUNNING":
        assert time.monotonic() < end, f"still running after {seconds} s; the log ends: {system.log[-15:]}"
        time.sleep(0.1)
    return found


def failures(system: System, execution: Execution) -> list[str]:
    """The errors of the tasks that failed, in order."""
    pages = system.stack.client("stepfunctions").get_paginator("get_execution_history")
    events = [each for page in pages.paginate(executionArn=execution["executionArn"]) for each in page["events"]]
    return [each["taskFailedEventDetails"]["error"] for each in events if each["type"] == "TaskFailed"]


def partials(system: System) -> list[str]:
    return [key for key in system.written() if key.startswith(PREFIX)]


@contextmanager
def killing(system: System, kills: int, seed: int) -> Iterator[None]:
    """Meanwhile, kill one worker after the other, whatever it is doing, `kills` in all."""
    choose, over = random.Random(seed), threading.Event()

    def kill() -> None:
        left = kills
        while left and not over.wait(choose.uniform(0.2, 1.0)):
            if workers := [each for each in system.stack.execution_environments if each.configuration.handler == TASKS]:
                choose.choice(workers).kill()
                left -= 1

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def test_two_hours_are_measured_by_many_workers_some_of_which_are_killed(system: System, film: bytes) -> None:
    """Whoever dies, whatever is promoted and however often the event comes meanwhile: one result, and it is right."""
    system.drop("long/film.mp4", film)
    execution = execution_of(system, "long/film.mp4")
    with killing(system, kills=3, seed=1):
        system.registry.register(("rot", "gruen", "blau"), alias="champion")
        execution = ended(system, execution)
    assert execution["status"] == "SUCCEEDED"
    assert failures(system, execution)
    document = system.document("long/film.mp4")
    assert {name: each["seconds"] for name, each in document["characters"].items()} == dict(SCENES)
    assert document["sampling"]["samples"] == 7201
    assert document["video"]["duration_seconds"] == 7200.5
    assert system.times_written("long/film.mp4") == 1
    assert partials(system) == []


def test_an_event_that_comes_again_starts_no_second_execution(system: System, film: bytes) -> None:
    """While the first one is running and when it is over."""
    system.drop("again/film.mp4", film)
    first = execution_of(system, "again/film.mp4")
    upload = json.loads(first["input"])["job"]["upload"]
    stored = {"key": upload["key"], "versionId": upload["version_id"], "eTag": upload["etag"]}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    event = {"Records": [{**record, "s3": {"bucket": {"name": upload["bucket"]}, "object": stored}}]}
    sqs, queue = system.stack.client("sqs"), system.stack.outputs["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    assert ended(system, first)["status"] == "SUCCEEDED"
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    system.wait_until_idle()
    found = [described(system, each) for each in executions(system)]
    assert sum(json.loads(each["input"])["job"]["upload"]["key"] == upload["key"] for each in found) == 1
    assert system.times_written("again/film.mp4") == 1


def test_a_segment_that_fails_for_good_fails_the_video_once(system: System, growing: bytes) -> None:
    """error.json with the segment's reason, an execution that an alarm can see, and nothing else left behind."""
    system.drop("growing.webm", growing)
    execution = ended(system, execution_of(system, "growing.webm"))
    assert (execution["status"], execution["error"]) == ("FAILED", "RefusedError")
    assert system.error("growing.webm")["error"]["code"] == "too_many_pixels"
    assert [key for key in system.written() if key.startswith("growing.webm")] == ["growing.webm/error.json"]
    assert system.times_written("growing.webm") == 0
    assert partials(system) == []


def test_the_simulation_foretells_how_long_the_stack_takes(system: System, film: bytes) -> None:
    """Of the tasks' own seconds it makes the execution's: what docs/scale.md says of thousands rests on that."""
    system.drop("foretold/film.mp4", film)
    execution = ended(system, execution_of(system, "foretold/film.mp4"))
    pages = system.stack.client("stepfunctions").get_paginator("get_execution_history")
    events = [each for page in pages.paginate(executionArn=execution["executionArn"]) for each in page["events"]]
    at = {event["id"]: event["timestamp"].timestamp() for event in events}
    seconds = [at[event["id"]] - at[event["previousEventId"]] for event in events if event["type"] == "TaskSucceeded"]
    plan, *segments, merge, discard = seconds
    video = LongVideo(0.0, 0.0, plan, tuple(segments), merge, discard)
    limits = Limits(map_concurrency=concurrency(40), cold_start=0.0, transition=0.0)
    foretold = Simulation(limits).run([video]).slowest + discard
    taken = (execution["stopDate"] - execution["startDate"]).total_seconds()
    assert len(segments) > 4
    assert 0.5 * taken < foretold < 1.1 * taken
