"""What a manifest may say."""

import json
from dataclasses import replace
from typing import Any

import pytest

from screen_time.errors import ModelError
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics

EXCLUSIVE = Manifest(
    ("neither", "tom"), Semantics.EXCLUSIVE, "neither", (), InputSpec(4, 4, Fit.PAD), "pooled", "test", {}
)
INDEPENDENT = replace(EXCLUSIVE, semantics=Semantics.INDEPENDENT, nobody=None, thresholds=(0.5, 0.4))


@pytest.mark.parametrize(
    "manifest",
    [
        EXCLUSIVE,
        replace(EXCLUSIVE, thresholds=(1.25, 0.8), dispersions=(1.0, 2.5)),
        replace(INDEPENDENT, dispersions=(1.0, 3.0, 2.0)),
    ],
)
def test_a_manifest_reads_back(manifest: Manifest) -> None:
    """With everything that it says."""
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_manifest_of_an_older_version_has_no_dispersions() -> None:
    """Its models are served on, without intervals."""
    document = json.loads(INDEPENDENT.to_json())
    del document["dispersions"]
    assert Manifest.from_json(json.dumps(document).encode()) == INDEPENDENT


@pytest.mark.parametrize(
    ("manifest", "changes"),
    [
        (EXCLUSIVE, {"thresholds": (1.0,)}),
        (EXCLUSIVE, {"thresholds": (1.0, 0.0)}),
        (INDEPENDENT, {"thresholds": ()}),
        (INDEPENDENT, {"thresholds": (0.5, float("nan"))}),
        (EXCLUSIVE, {"dispersions": (1.0,)}),
        (EXCLUSIVE, {"dispersions": (1.0, 0.5)}),
        (INDEPENDENT, {"dispersions": (1.0, 1.0)}),
        (INDEPENDENT, {"dispersions": (1.0, 1.0, float("inf"))}),
    ],
)
def test_numbers_that_make_no_sense_are_refused(manifest: Manifest, changes: dict[str, Any]) -> None:
    """Before anything is measured with them."""
    with pytest.raises(ModelError):
        Manifest.from_json(replace(manifest, **changes).to_json())
