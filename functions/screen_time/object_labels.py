"""What a result or an error says of itself in S3's metadata and tags, for who lists, filters or bills objects."""

import re
from urllib.parse import quote

from screen_time.conditional_writes import Labels
from screen_time.documents import Document

LONGEST_VALUE = 200
"""Characters of a value: all metadata of an object together may have 2 KB, a tag 256 characters."""

NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]", re.ASCII)


def labels(document: Document) -> Labels:
    """Of a `screen-time.json` or an `error.json`: tags to filter by, metadata to read with a HEAD request.

    Metadata is ASCII, so what is not is percent-encoded; a tag has `_` for what S3 does not take.
    """
    if "error" in document:
        tags = {"status": "failed", "error-code": document["error"]["code"]}
        metadata = {"error-code": document["error"]["code"]}
    else:
        model, video = document["model"], document["video"]
        tags = {"status": "measured", "model": model["name"], "model-version": model["version"]}
        metadata = {
            "model-name": model["name"],
            "model-version": model["version"],
            "model-digest": model["digest"],
            "duration-seconds": f"{video['duration_seconds']:.3f}",
        }
    metadata |= {"schema-version": document["schema_version"], "measured-at": document["measured_at"]}
    return Labels(
        {name: _ascii(value) for name, value in metadata.items()},
        {name: NOT_IN_TAGS.sub("_", value)[:LONGEST_VALUE] for name, value in tags.items()},
    )


def _ascii(value: str) -> str:
    return quote(value, safe=" !#$&'()*+,/:;=?@[]-._~")[:LONGEST_VALUE]
