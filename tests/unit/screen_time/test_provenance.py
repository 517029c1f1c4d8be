"""What a document is of, and which of two uploads is the later one."""

from dataclasses import replace

import pytest

from screen_time.documents import ModelIdentity
from screen_time.events import Upload
from screen_time.provenance import Identity, Provenance
from screen_time.results import LONGEST_KEY_BYTES, folder_name

UPLOAD = Upload("videos", "ep 1+ü.mp4", "v1", "abc", "0055AED6DCD90281E5")
MODEL = ModelIdentity("screen-time", "3", "champion", "run", "0" * 64)


def identity(upload: Upload = UPLOAD, model: ModelIdentity = MODEL, interval_ms: int = 1000) -> str:
    return Identity.of(upload, model, interval_ms).digest


@pytest.mark.parametrize(
    "other",
    [
        identity(replace(UPLOAD, bucket="other")),
        identity(replace(UPLOAD, key="ep 2.mp4")),
        identity(replace(UPLOAD, version_id="v2")),
        identity(model=replace(MODEL, version="4")),
        identity(model=replace(MODEL, digest="1" * 64)),
        identity(interval_ms=500),
    ],
)
def test_another_object_model_or_sampling_is_another_result(other: str) -> None:
    """Each gets a result of its own."""
    assert other != identity()


@pytest.mark.parametrize(
    "same",
    [
        identity(replace(UPLOAD, sequencer=None)),
        identity(replace(UPLOAD, etag=None)),
        identity(model=replace(MODEL, alias=None, run_id=None)),
    ],
)
def test_who_told_of_it_makes_no_other_result(same: str) -> None:
    """A duplicate may come from EventBridge, a backfill, or by hand."""
    assert same == identity()


def test_without_versions_the_etag_is_the_object() -> None:
    """With or without the quotes that S3 puts around it."""
    plain = replace(UPLOAD, version_id=None)
    assert identity(plain) == identity(replace(plain, etag='"abc"')) != identity(replace(plain, etag="other"))


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ({"sequencer": "0B"}, {"sequencer": "0A"}),
        ({"sequencer": "0b"}, {"sequencer": "0A"}),
        ({"sequencer": "0A1"}, {"sequencer": "0A"}),
        ({"sequencer": "0B"}, {"sequencer": "0A1"}),
        ({"uploaded": "2026-01-02T00:00:00+00:00"}, {"uploaded": "2026-01-01T23:59:59+00:00"}),
        ({"sequencer": "0B", "uploaded": "2026-01-01"}, {"sequencer": "0A", "uploaded": "2026-01-02"}),
    ],
)
def test_a_later_upload_supersedes_an_earlier_one(later: dict[str, str], earlier: dict[str, str]) -> None:
    """By S3's sequencer, else by the time of upload."""
    new, old = Provenance("i", "v2", **later), Provenance("j", "v1", **earlier)
    assert new.supersedes(old)
    assert not old.supersedes(new)


def test_unknown_order_supersedes_nothing() -> None:
    """Nor does one object supersede itself."""
    assert not Provenance("i", "v2", sequencer="0B").supersedes(Provenance("j", "v1", uploaded="2026-01-01"))
    assert not Provenance("i", "v1", sequencer="0B").supersedes(Provenance("j", "v1", sequencer="0A"))


def test_metadata_brings_a_provenance_back() -> None:
    """And leaves out what is not known, which S3 would keep as empty headers."""
    provenance = Provenance.of(Identity.of(UPLOAD, MODEL, 1000), UPLOAD.sequencer, None)
    metadata = provenance.to_metadata()
    assert Provenance.from_metadata(metadata) == provenance
    assert "" not in metadata.values()
    assert all(value.isascii() for value in metadata.values())
    assert Provenance.from_metadata({}) is None


def test_documents_of_the_longest_keys_have_keys_that_s3_takes() -> None:
    """And different videos never share a folder."""
    longest = ["ü" * 511 + end for end in ("a", "b")]
    folders = [folder_name(key) for key in longest]
    assert folders[0] != folders[1]
    assert all(len(f"{folder}/screen-time.json".encode()) <= LONGEST_KEY_BYTES for folder in folders)
    assert folder_name("incoming/ep 1.mp4") == "incoming/ep 1.mp4"
