"""What is told of a video follows its published schema and fits into an event, whatever the video is called."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from screen_time.announcements import ANNOUNCEMENT_VERSION, Announcement, announcement
from screen_time.documents import VideoSource, error_document
from screen_time.errors import ErrorCode, VideoError
from screen_time.object_labels import labels
from tests.results import measured

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "event.schema.json").read_text())
MOST_BYTES = 256 * 1024
ADDRESS = "s3://results/a.mp4/screen-time.json"


def failed(code: ErrorCode = ErrorCode.NOT_A_VIDEO) -> Announcement:
    document = error_document(VideoSource("videos", "a.mp4", None, None, 0), VideoError(code, "A sentence."), None)
    return announcement(document, "s3://results/a.mp4/error.json")


def valid(detail: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(detail)


def test_a_measured_video_s_event_says_who_was_seen_how_long() -> None:
    """The longest first, with where to read more."""
    news = announcement(measured([[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 3).document, ADDRESS)
    valid(json.loads(news.to_json()))
    assert news.kind == "Video Measured"
    assert [(each["name"], each["seconds"]) for each in news.detail["characters"]] == [("tom", 3.0), ("jerry", 2.0)]
    assert (news.detail["document"], news.detail["model"]["version"]) == (ADDRESS, "7")


@pytest.mark.parametrize("code", ErrorCode)
def test_a_failed_video_s_event_says_why(code: ErrorCode) -> None:
    """With every code that there is."""
    news = failed(code)
    valid(json.loads(news.to_json()))
    assert news.kind == "Video Failed"
    assert news.detail["error"] == {"code": code, "message": "A sentence."}


def test_the_schema_tells_the_two_apart() -> None:
    """It is strict enough to fail, and names the version that is sent."""
    assert SCHEMA["properties"]["version"]["const"] == ANNOUNCEMENT_VERSION
    for wrong in ({"status": "measured"}, {"version": "0.9"}, {"measured_at": "yesterday"}):
        with pytest.raises(ValidationError):
            valid({**failed().detail, **wrong})


def test_an_event_fits_whatever_names_are_in_it() -> None:
    """The longest key, and more characters with longer names than anybody has."""
    names = tuple(f"{number}" + "ü" * 3000 for number in range(300))
    document = measured(np.ones((2, 300), dtype=np.float32), names, key="\U0001f600" * 256, maps=False).document
    news = announcement(document, ADDRESS)
    valid(json.loads(news.to_json()))
    assert len(news.to_json().encode()) < MOST_BYTES


def test_an_object_s_labels_are_what_s3_takes() -> None:
    """ASCII metadata of less than 2 KB, tags of S3's characters; the model's name may be anything."""
    document = measured([[0.9, 0.1]]).document
    document["model"]["name"] = "Kätzchen & <Mäuse>\r\nx: y" * 20
    found = labels(document)
    assert all(value.isascii() and value.isprintable() for value in found.metadata.values())
    assert sum(len(name) + len(value) for name, value in found.metadata.items()) < 1200
    assert found.metadata["model-name"].startswith("K%C3%A4tzchen & ")
    assert found.tags["model"].startswith("K_tzchen _ _M_use___x: y")
    assert len(found.tags["model"]) <= 256
    assert (found.tags["status"], found.tags["model-version"]) == ("measured", "7")
