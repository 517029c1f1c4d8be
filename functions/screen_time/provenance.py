"""What a written document is of, and which of two uploads of one key is the later one.

One result exists for each identity: the same object (a version, or an etag in a bucket without versions), the same
model, the same sampling. Every document carries it as S3 metadata, so that one request tells whether an event has been
answered already, long after the idempotency record of it has expired.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from screen_time.documents import ModelIdentity
from screen_time.events import Upload


@dataclass(frozen=True, slots=True)
class Identity:
    """What one result is of. `object` is the version of the video, or its etag in a bucket without versions."""

    bucket: str
    key: str
    object: str | None
    model: tuple[str, str, str]
    """Name, version and digest."""
    interval_ms: int

    @classmethod
    def of(cls, upload: Upload, model: ModelIdentity, interval_ms: int) -> Self:
        """The identity of what `upload` becomes, measured by `model`."""
        stored = upload.version_id or (upload.etag.strip('"') if upload.etag else None)
        return cls(upload.bucket, upload.key, stored, (model.name, model.version, model.digest), interval_ms)

    @property
    def digest(self) -> str:
        """SHA-256: metadata holds ASCII only and is short, keys are neither."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Provenance:
    """An identity as metadata keeps it, with what orders the uploads of one key; empty where it is not known."""

    identity: str
    object: str
    sequencer: str = ""
    """S3's own order of one key's events, which every S3 notification brings."""
    uploaded: str = ""
    """When the video was uploaded, ISO 8601 to the second: for uploads that no S3 event told of."""

    @classmethod
    def of(cls, identity: Identity, sequencer: str | None, uploaded: str | None) -> Self:
        """The provenance of a document that is written now."""
        return cls(identity.digest, identity.object or "", sequencer or "", uploaded or "")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """Read what `to_metadata` has written; None for a document that carries none."""
        if "identity" not in metadata:
            return None
        return cls(**{name: metadata.get(name, "") for name in cls.__slots__})

    def to_metadata(self) -> dict[str, str]:
        """S3 metadata without the empty fields."""
        return {name: value for name, value in asdict(self).items() if value}

    def is_of_the_object_of(self, other: "Provenance") -> bool:
        """Whether both are of the same upload, whichever model measured it."""
        return bool(self.object) and self.object == other.object

    def supersedes(self, other: "Provenance") -> bool:
        """Whether this upload is known to be later than the other one of the same key."""
        if self.is_of_the_object_of(other):
            return False
        if self.sequencer and other.sequencer:
            # Sequencers differ in length; S3's documentation: pad the shorter one on the right.
            length = max(len(self.sequencer), len(other.sequencer))
            return self.sequencer.upper().ljust(length, "0") > other.sequencer.upper().ljust(length, "0")
        return bool(self.uploaded and other.uploaded) and self.uploaded > other.uploaded
