"""The whole page: sections in the order in which people ask, and the rules that keep it to itself."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from screen_time.documents import Document
from screen_time.manifest import Fit, Manifest
from screen_time.measurement import Measurement
from screen_time.report.cast import cast
from screen_time.report.markup import Markup, element, joined, json_for_script
from screen_time.report.pictures import Pictures
from screen_time.report.sections import (
    characters,
    damage,
    facts,
    headline,
    model,
    overview,
    uncertain,
    watch,
)
from screen_time.report.timeline import Lane, lanes
from screen_time.report.wording import short

HERE = Path(__file__).parent

REPORT_BYTES = 2_000_000
"""A report is smaller, however long the video and whoever is in it."""


def report_html(
    document: Document,
    measurement: Measurement,
    manifest: Manifest,
    video_addresses: Sequence[str] = (),
) -> bytes:
    """The content of `report.html` for a result's `document` and what it was made of.

    `video_addresses` are where the video may lie, relative to the report; beside it under its own name is tried in
    any case. Everything that comes from outside (keys, labels, codecs) is escaped.
    """
    shown, highlights = cast(document), measurement.highlights
    size = (document["video"]["width"], document["video"]["height"]) if manifest.input.fit is Fit.SQUEEZE else None
    pictures = Pictures(highlights, shown, size)
    every = lanes(document, measurement, shown)
    main = element(
        "main",
        damage(document),
        overview(document, shown),
        watch(document, every),
        characters(document, shown, highlights, pictures),
        uncertain(document, highlights, pictures),
        model(document),
        facts(document),
    )
    data = json_for_script(_data(document, every, video_addresses))
    return _page(document, joined(headline(document), main), data).encode(errors="replace")


def _page(document: Document, body: Markup, data: Markup) -> str:
    style, script = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{_file_name(document)} – screen time"),
        element("style", style),
    )
    scripts = joined(
        element("script", data, type="application/json", id="data"),
        element("script", script),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body, scripts), lang='en')}\n"


def _policy(style: str, script: str) -> str:
    """Nothing is loaded but a video that the reader asks for; nothing runs but this page's own script."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "img-src data:",
            "media-src 'self' file: blob: http: https:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(document: Document, every: Sequence[Lane], addresses: Sequence[str]) -> Document:
    """What the script needs: the time axis, who is on screen when, and where the video may lie."""
    return {
        "duration": document["video"]["duration_seconds"],
        "step": document["sampling"]["interval_seconds"],
        "video": [*addresses, "./" + quote(document["video"]["key"].rpartition("/")[2])],
        "file": _file_name(document),
        "lanes": [
            {"name": short(lane.name), "blocks": [edge for block in lane.blocks for edge in (block.start, block.end)]}
            for lane in every
        ],
    }


def _file_name(document: Document) -> str:
    return short(document["video"]["key"].rpartition("/")[2] or document["video"]["key"])
