"""What is told of a video that was measured or refused; docs/event.schema.json is the contract.

The detail of an EventBridge event, and the message of an SNS topic. A change of meaning raises ANNOUNCEMENT_VERSION.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from screen_time.documents import Document

ANNOUNCEMENT_VERSION = "1.0"

SOURCE = "screen-time"
"""Of the events."""

MOST_CHARACTERS = 100
"""Characters that are told of, those with the most time: an event may have 256 KB."""

LONGEST_NAME = 200
"""Characters of a name in an event; the result has it whole."""


class AnnouncementKind(StrEnum):
    """An event's detail-type."""

    MEASURED = "Video Measured"
    FAILED = "Video Failed"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One piece of news."""

    kind: AnnouncementKind
    detail: Document

    def to_json(self) -> str:
        """The detail as it is sent."""
        return json.dumps(self.detail, allow_nan=False)


def announcement(document: Document, address: str) -> Announcement:
    """The news of a `screen-time.json` or an `error.json` at `address`."""
    return _failed(document, address) if "error" in document else _measured(document, address)


def _measured(document: Document, address: str) -> Announcement:
    characters = sorted(document["characters"].items(), key=lambda item: -item[1]["seconds"])[:MOST_CHARACTERS]
    nobody = document["nobody"]
    detail = {
        **_common(document, "measured", address),
        "duration_seconds": document["video"]["duration_seconds"],
        "model": {key: document["model"][key] for key in ("name", "version", "alias")},
        "characters": [
            {"name": name[:LONGEST_NAME], "seconds": found["seconds"], "percent": found["percent"]}
            for name, found in characters
        ],
        "nobody_seconds": None if nobody is None else nobody["seconds"],
    }
    return Announcement(AnnouncementKind.MEASURED, detail)


def _failed(document: Document, address: str) -> Announcement:
    detail = {**_common(document, "failed", address), "error": dict(document["error"])}
    return Announcement(AnnouncementKind.FAILED, detail)


def _common(document: Document, status: str, address: str) -> dict[str, Any]:
    return {
        "version": ANNOUNCEMENT_VERSION,
        "status": status,
        "video": {key: document["video"][key] for key in ("bucket", "key", "version_id", "etag", "bytes")},
        "document": address,
        "request_id": document["request_id"],
        "measured_at": document["measured_at"],
    }
