"""The documents and their published schemas."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from demo.clips import ClipSpec, write_clip
from screen_time.classifier import Classifier
from screen_time.documents import (
    Document,
    ModelIdentity,
    Request,
    VideoSource,
    error_document,
    frames_csv,
    result_document,
    to_json,
)
from screen_time.errors import ErrorCode, VideoError
from screen_time.manifest import Semantics
from screen_time.measurement import Measurement, measure
from tests.models import write_colour_model

DOCS = Path(__file__).parents[3] / "docs"
SOURCE = VideoSource("videos", "ep 1.mp4", "v1", "abc", 5)
MODEL = ModelIdentity("screen-time", "3", "champion", "run", "0" * 64)


def validate(document: Document, schema: str) -> None:
    checker = Draft202012Validator(json.loads((DOCS / schema).read_text()), format_checker=FormatChecker())
    checker.validate(json.loads(to_json(document)))


def colours_clip(path: Path) -> Path:
    """Two seconds red, one green, then half a second blue."""

    def frames() -> Iterator[tuple[Fraction, Any]]:
        for number, colour in enumerate([(200, 0, 0)] * 50 + [(0, 200, 0)] * 25 + [(0, 0, 200)] * 12):
            yield Fraction(number, 25), np.full((48, 64, 3), colour, dtype=np.uint8)

    return write_clip(path, ClipSpec(), frames())


def measured(directory: Path, semantics: Semantics, nobody: str | None) -> tuple[Document, Measurement, Classifier]:
    write_colour_model(directory / "model", semantics=semantics, nobody=nobody)
    classifier = Classifier.load(directory / "model")
    measurement = measure(colours_clip(directory / "clip.mp4"), classifier)
    request = Request("request", {"total": 1.0})
    document = result_document(SOURCE, MODEL, classifier.manifest, measurement, request)
    return document, measurement, classifier


@pytest.mark.parametrize(
    ("semantics", "nobody"),
    [(Semantics.EXCLUSIVE, None), (Semantics.EXCLUSIVE, "blue"), (Semantics.INDEPENDENT, None)],
)
def test_a_result_follows_its_schema(tmp_path: Path, semantics: Semantics, nobody: str | None) -> None:
    """For each kind of model."""
    document, _, _ = measured(tmp_path, semantics, nobody)
    validate(document, "screen-time.schema.json")


def test_a_result_says_who_was_on_screen_when(tmp_path: Path) -> None:
    """Against the clip's known content."""
    document, _, _ = measured(tmp_path, Semantics.EXCLUSIVE, nobody="blue")
    assert document["video"]["duration_seconds"] == 3.48
    assert {name: found["seconds"] for name, found in document["characters"].items()} == {"red": 2.0, "green": 1.0}
    assert document["nobody"]["seconds"] == 0.48
    assert [(s["start"], s["end"]) for s in document["characters"]["green"]["segments"]] == [(2.0, 3.0)]


def test_seconds_have_an_interval_where_the_model_knows_its_dispersions(tmp_path: Path) -> None:
    """In seconds, for every character and nobody; null for the model as it was."""
    document, measurement, classifier = measured(tmp_path, Semantics.EXCLUSIVE, nobody="blue")
    assert document["characters"]["red"]["seconds_interval"] is None
    manifest = replace(classifier.manifest, dispersions=(4.0, 4.0, 4.0))
    document = result_document(SOURCE, MODEL, manifest, measurement, Request("request", {"total": 1.0}))
    validate(document, "screen-time.schema.json")
    for found in (*document["characters"].values(), document["nobody"]):
        low, high = found["seconds_interval"]
        assert 0 <= low <= found["seconds"] <= high <= 3.48


def test_frames_csv_has_a_row_for_each_sample(tmp_path: Path) -> None:
    """Times, durations and one probability a label."""
    _, measurement, classifier = measured(tmp_path, Semantics.EXCLUSIVE, nobody=None)
    rows = list(csv.DictReader(frames_csv(measurement, classifier.manifest).decode().splitlines()))
    assert [row["time"] for row in rows] == ["0.000", "1.000", "2.000", "3.000"]
    assert sum(float(row["duration"]) for row in rows) == pytest.approx(3.48)
    assert all(
        sum(float(row[label]) for label in ("red", "green", "blue")) == pytest.approx(1, abs=2e-4) for row in rows
    )


def test_every_error_code_is_in_the_schema() -> None:
    """A client may switch on them."""
    for code in ErrorCode:
        validate(error_document(SOURCE, VideoError(code, "A sentence."), "request"), "error.schema.json")


def test_a_tampered_result_does_not_pass() -> None:
    """The schema is strict enough to fail."""
    document = error_document(SOURCE, VideoError(ErrorCode.TOO_LONG, "A sentence."), None)
    document["error"]["code"] = "something_else"
    with pytest.raises(Exception, match="something_else"):
        validate(document, "error.schema.json")
