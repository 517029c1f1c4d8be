"""Hostile keys, files and events dropped into the deployed template on this machine, with the real function."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from screen_time.documents import ERROR_NAME, RESULT_NAME
from screen_time.results import folder_name
from tests.e2e.conftest import System
from tests.hostile.files.case import Measured, Refused
from tests.hostile.files.catalogue import CASES
from tests.hostile.witness import CANARY, Witness

KEYS = (
    "printf-%02d-%s-%n.mp4",
    "http://127.0.0.1:1/video.mp4",
    "file:///etc/passwd",
    "a b/c  d.mp4",
    "a+b.mp4",
    "a%2Bb.mp4",
    "ü/日本語/🎬.mp4",
    "../../../tmp/up.mp4",
    "a/../b/./c.mp4",
    "/leading.mp4",
    "$(touch x);`id`|&<>'\".mp4",
    "tab\tab.mp4",
    "screen-time.json",
    "x" * 1024,
)
"""Each names a good video; none may be taken for a path, a pattern, an address or a command."""

DROPPED = (
    "hls-http",
    "hls-environment",
    "sdp",
    "avi-with-a-playlist-as-subtitle",
    "still-jpeg-of-96-megapixels",
    "mp4-of-a-96-megapixel-jpeg-that-lies",
    "no-video-zip",
    "mp4-cut-at-60%",
    "index-behind",
    "half-of-the-packets-spoiled",
    "sound-only-mp4",
    "edit-list-of-forty-thousand-entries",
    "index-of-170-million-samples",
    "frames-that-last-for-ever",
    "hevc-10-bit",
    "16k-by-16k",
    "resolution-changes-midway",
)
CHOSEN = [case for case in CASES if case.name in DROPPED]


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    """Watches while the functions work."""
    with Witness(tmp_path_factory.mktemp("witness")) as witness:
        yield witness


def test_a_key_is_a_name_and_nothing_else(system: System, short_video: bytes) -> None:
    """Whatever it looks like, its video is measured, and the result says the key as it is."""
    before = set(Path("/tmp").iterdir())
    for key in KEYS:
        system.drop(key, short_video)
    for key in KEYS:
        document = system.document(folder_name(key))
        assert document["video"]["key"] == key
        assert document["characters"]["red"]["seconds"] == 2.0
    system.wait_until_idle()
    assert all(len(path.encode()) <= 1024 for path in system.written())
    assert not [path for path in set(Path("/tmp").iterdir()) - before if path.suffix == ".mp4"]


def test_a_hostile_file_ends_as_an_error_or_a_result_and_reaches_nothing(system: System, witness: Witness) -> None:
    """The same fates as by the sampler alone, and nothing of this machine in any document or log line."""
    assert len(CHOSEN) == len(DROPPED)
    for case in CHOSEN:
        system.drop(f"hostile/{case.name}.mp4", case.make(witness.bait))
    for case in CHOSEN:
        key = f"hostile/{case.name}.mp4"
        match case.fate:
            case Refused(codes):
                assert system.error(key)["error"]["code"] in codes
            case Measured(milliseconds):
                assert milliseconds in (None, round(system.document(key)["video"]["duration_seconds"] * 1000))
            case _:
                assert {f"{key}/{RESULT_NAME}", f"{key}/{ERROR_NAME}"} & system.written() or system.document(key)
    system.wait_until_idle()
    assert witness.seen() == []
    told = "\n".join([*system.log, *documents(system)])
    assert CANARY not in told
    assert "AWS_SECRET_ACCESS_KEY" not in told  # of /proc/self/environ


def documents(system: System) -> Iterator[str]:
    """The text of everything in the results bucket."""
    for path in system.written():
        yield system.s3.get_object(Bucket=system.results, Key=path)["Body"].read().decode(errors="replace")


def test_events_of_others_are_acknowledged_or_fail_alone(system: System, short_video: bytes) -> None:
    """A test event is nothing; what is gone is an error with its code; a good video beside them is measured."""
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    gone = {**record, "s3": {"bucket": {"name": system.videos}, "object": {"key": "gone.mp4", "eTag": "0" * 32}}}
    removed = {**gone, "eventName": "ObjectRemoved:Delete"}
    sqs, url = system.stack.client("sqs"), system.stack.outputs["QueueUrl"]
    events: list[dict[str, object]] = [
        {"Event": "s3:TestEvent"},
        {"Records": []},
        {"Records": [removed]},
        {"Records": [gone]},
    ]
    for event in events:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    system.drop("beside.mp4", short_video)
    assert system.error("gone.mp4")["error"]["code"] == "object_deleted"
    assert system.document("beside.mp4")["characters"]["red"]["seconds"] == 2.0
    system.wait_until_idle()
    assert "gone.mp4/screen-time.json" not in system.written()
