"""What is written about one video: `screen-time.json`, `frames.csv` and `error.json`, as docs/results.md explains.

The contract is docs/screen-time.schema.json; a change of meaning raises SCHEMA_VERSION.
"""

import csv
import io
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from screen_time.errors import PermanentError
from screen_time.manifest import Manifest
from screen_time.measurement import Measurement
from screen_time.summary import Presence, Segment, Summary, margins, presence, summarise

SCHEMA_VERSION = "1.1"

RESULT_NAME = "screen-time.json"
FRAMES_NAME = "frames.csv"
REPORT_NAME = "report.html"
ERROR_NAME = "error.json"
SHADOW_NAME = "shadow.json"
"""What the challenger measured, beside the champion's result."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VideoSource:
    """Where the video came from; `bucket`, `version_id` and `etag` are None for a local file, whose name is `key`."""

    bucket: str | None
    key: str
    version_id: str | None
    etag: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model measured: `alias` is None where a version was asked for, `run_id` where it came from no run.

    `fallback` says why it may not be the version that carries the alias now; None where it is that one.
    """

    name: str
    version: str
    alias: str | None
    run_id: str | None
    digest: str
    fallback: "Fallback | None" = None


class Fallback(StrEnum):
    """Why the last good version served."""

    REGISTRY_UNAVAILABLE = "registry_unavailable"
    VERSION_REFUSED = "version_refused"
    """The alias names a version that cannot be served."""


@dataclass(frozen=True, slots=True)
class Request:
    """By which invocation, and how long its parts took in seconds."""

    request_id: str | None
    seconds: dict[str, float]


def result_document(
    source: VideoSource,
    model: ModelIdentity,
    manifest: Manifest,
    measurement: Measurement,
    request: Request,
) -> Document:
    """The content of `screen-time.json`. Times are seconds with millisecond precision, shares percent."""
    summary = summarise(measurement.durations_ms, measurement.probabilities, manifest)
    duration = summary.duration_ms
    return {
        "schema_version": SCHEMA_VERSION,
        "video": {**asdict(source), "duration_seconds": seconds(duration), **_video(measurement)},
        "model": {
            **asdict(model),
            "semantics": manifest.semantics,
            "labels": list(manifest.labels),
            "head": manifest.head,
            "form": manifest.form,
        },
        "sampling": {
            "interval_seconds": seconds(measurement.interval_ms),
            "samples": len(measurement.durations_ms),
        },
        "characters": {name: _character(found, duration) for name, found in summary.characters.items()},
        "nobody": None if summary.nobody is None else _character(summary.nobody, duration),
        "together": [
            {
                "characters": list(pair.characters),
                "seconds": seconds(pair.milliseconds),
                "percent": percent(pair.milliseconds, duration),
            }
            for pair in summary.together
        ],
        "least_certain": _least_certain(measurement, manifest, summary),
        "counters": asdict(measurement.counters),
        "timings": {name: round(value, 3) for name, value in (asdict(measurement.timings) | request.seconds).items()},
        "request_id": request.request_id,
        "measured_at": _now(),
    }


def error_document(source: VideoSource, error: PermanentError, request_id: str | None) -> Document:
    """The content of `error.json`: a stable `code` and a sentence."""
    return {
        "schema_version": SCHEMA_VERSION,
        "video": asdict(source),
        "error": {"code": error.code, "message": str(error)},
        "request_id": request_id,
        "measured_at": _now(),
    }


def frames_csv(measurement: Measurement, manifest: Manifest) -> bytes:
    """The content of `frames.csv`: each sample's time and duration in seconds, and a probability for each label."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", "duration", *manifest.labels])
    for start, duration, row in zip(
        measurement.start_ms, measurement.durations_ms, measurement.probabilities, strict=True
    ):
        writer.writerow([f"{start / 1000:.3f}", f"{duration / 1000:.3f}", *(f"{value:.4f}" for value in row)])
    return text.getvalue().encode()


def to_json(document: Document) -> bytes:
    """`document` as people read it."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def seconds(milliseconds: int) -> float:
    """Milliseconds as the seconds that the documents hold."""
    return milliseconds / 1000


def percent(part_ms: int, whole_ms: int) -> float:
    """A share of the video's duration in percent, with two decimals."""
    return round(100 * part_ms / whole_ms, 2)


def _video(measurement: Measurement) -> Document:
    info = measurement.info
    return {
        "width": info.width,
        "height": info.height,
        "rotation": info.rotation,
        "container": info.container,
        "codec": info.codec,
        "frame_rate": None if info.frame_rate is None else round(float(info.frame_rate), 3),
    }


def _character(found: Presence, duration_ms: int) -> Document:
    return {
        "seconds": seconds(found.milliseconds),
        "seconds_interval": None if found.interval_ms is None else list(map(seconds, found.interval_ms)),
        "percent": percent(found.milliseconds, duration_ms),
        "first_seen": seconds(found.segments[0].start_ms) if found.segments else None,
        "last_seen": seconds(found.segments[-1].end_ms) if found.segments else None,
        "mean_confidence": None if found.mean_confidence is None else round(found.mean_confidence, 4),
        "segments": [_segment(segment) for segment in found.segments],
    }


def _segment(segment: Segment) -> Document:
    return {
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "confidence": round(segment.confidence, 4),
    }


def _least_certain(measurement: Measurement, manifest: Manifest, summary: Summary) -> list[Document]:
    leads = margins(measurement.probabilities, manifest)
    present = presence(measurement.probabilities, manifest)
    return [
        {
            "time": seconds(measurement.start_ms[index]),
            "labels": [label for label, shown in zip(manifest.labels, present[index], strict=True) if shown],
            "margin": round(float(leads[index]), 4),
            "probabilities": {
                label: round(float(value), 4)
                for label, value in zip(manifest.labels, measurement.probabilities[index], strict=True)
            },
        }
        for index in summary.least_certain
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
