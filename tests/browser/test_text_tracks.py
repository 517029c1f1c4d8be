"""The WebVTT that is exported, as a browser's player understands it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from screen_time.documents import Document
from screen_time.export_format import ExportFormat
from screen_time.exports import export
from tests.browser.conftest import OpenPage
from tests.results import measured, scenes

TEXT = {"metadata": "cue.text", "chapters": "cue.getCueAsHTML().textContent"}
"""A cue's text: a program's is taken as it is, people's is markup."""


def cues(open_page: OpenPage, directory: Path, track: bytes, kind: str) -> list[Any]:
    """The cues that Chromium reads of a track: start, end, text."""
    address = f"data:text/vtt;base64,{base64.b64encode(track).decode()}"
    page = directory / "player.html"
    page.write_text(f"<!doctype html><video><track kind={kind} src='{address}'></video>")
    visit = open_page(page.as_uri())
    visit.page.evaluate("document.querySelector('track').track.mode = 'hidden'")
    visit.page.wait_for_function("document.querySelector('track').readyState === 2")
    found: list[Any] = visit.page.eval_on_selector(
        "track", f"track => [...track.track.cues].map(cue => [cue.startTime, cue.endTime, {TEXT[kind]}])"
    )
    return found


@pytest.fixture(scope="module")
def document() -> Document:
    return measured(scenes(4000), ("jerry & <i>son</i>", "tom"), last_ms=480).document


def test_chromium_reads_metadata_cues(open_page: OpenPage, tmp_path: Path, document: Document) -> None:
    """Every segment of every character, at the JSON's own times."""
    found = cues(open_page, tmp_path, export(document, [ExportFormat.VTT])["metadata.vtt"], "metadata")
    for name, character in document["characters"].items():
        mine = [(start, end) for start, end, text in found if json.loads(text)["character"] == name]
        assert mine == [(each["start"], each["end"]) for each in character["segments"]]


def test_chromium_reads_chapters(open_page: OpenPage, tmp_path: Path, document: Document) -> None:
    """Titles are the names as they are, markup in them included."""
    found = cues(open_page, tmp_path, export(document, [ExportFormat.VTT])["chapters.vtt"], "chapters")
    assert {text for _, _, text in found} <= {"jerry & <i>son</i>", "tom", "jerry & <i>son</i>, tom"}
    seconds = sum(end - start for start, end, text in found if "jerry" in text)
    assert seconds == pytest.approx(document["characters"]["jerry & <i>son</i>"]["seconds"])
