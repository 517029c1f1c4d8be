"""The served form of a model version, as its `manifest.json` describes it.

A version's directory in the registry holds `openvino/manifest.json` beside the files that it names. Training writes
it, the function reads it, and nothing else has to be agreed between the two.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from screen_time.errors import ModelError

MANIFEST_NAME = "manifest.json"
SERVED_DIRECTORY = "openvino"
DIGEST_TAG = "served_sha256"
"""Tag of a registered model version: SHA-256 of its manifest.json, which holds the digests of the other files."""

SUPPORTED_MANIFEST_VERSION = 1


class Semantics(StrEnum):
    """What a row of probabilities means."""

    EXCLUSIVE = "exclusive"
    """One label a frame; a row adds up to 1."""
    INDEPENDENT = "independent"
    """Each label is its own yes or no; several may be on screen."""


class Fit(StrEnum):
    """How a frame of any shape becomes one of the model's input size."""

    PAD = "pad"
    """Black bars cut, aspect ratio kept, the rest filled with the neutral colour."""
    SQUEEZE = "squeeze"
    """Stretched to the input size, as the classic does."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The frames that a model takes: uint8 RGB of `height` × `width` pixels, made by `fit`."""

    height: int
    width: int
    fit: Fit


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the function must know of a model to serve it.

    `labels` are in the order of the model's output columns. `nobody` is the exclusive label for frames that show no
    character, if there is one. `thresholds` hold, for independent labels, the probability from which a character
    counts as present; for exclusive ones, what each label's probability is divided by before the largest one counts
    (empty: all the same). `dispersions` say how much less certain seconds are than independent frames would make
    them: factors of the variance, at least 1, one for each label and, for independent labels, nobody's last (empty:
    not known). `files` maps each served file's name to its SHA-256.
    """

    labels: tuple[str, ...]
    semantics: Semantics
    nobody: str | None
    thresholds: tuple[float, ...]
    input: InputSpec
    head: str
    form: str
    files: Mapping[str, str]
    dispersions: tuple[float, ...] = ()

    @property
    def characters(self) -> tuple[str, ...]:
        """The labels that are characters, in the model's order."""
        return tuple(label for label in self.labels if label != self.nobody)

    def to_json(self) -> bytes:
        """The bytes of `manifest.json`; equal manifests give equal bytes."""
        document = {"manifest_version": SUPPORTED_MANIFEST_VERSION, **asdict(self), "files": dict(self.files)}
        return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse `manifest.json`; raises ModelError where it is not one that this version understands."""
        try:
            document: dict[str, Any] = json.loads(data)
            if document["manifest_version"] != SUPPORTED_MANIFEST_VERSION:
                raise ModelError(f"manifest_version {document['manifest_version']} is not supported")
            manifest = cls(
                labels=tuple(map(str, document["labels"])),
                semantics=Semantics(document["semantics"]),
                nobody=document["nobody"],
                thresholds=tuple(map(float, document["thresholds"])),
                input=InputSpec(
                    int(document["input"]["height"]), int(document["input"]["width"]), Fit(document["input"]["fit"])
                ),
                head=str(document["head"]),
                form=str(document["form"]),
                files={str(name): str(digest) for name, digest in document["files"].items()},
                dispersions=tuple(map(float, document.get("dispersions") or ())),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"the model's {MANIFEST_NAME} cannot be used: {error!r}") from error
        manifest._check()
        return manifest

    def _check(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ModelError("the model's labels must be present and distinct")
        if self.nobody is not None and self.nobody not in self.labels:
            raise ModelError(f"the model's label for nobody, {self.nobody!r}, is not among its labels")
        self._check_numbers()
        # Files are joined to a directory when they are fetched: a name may not lead out of it.
        if any(Path(name).name != name or name in ("", ".", "..") for name in self.files):
            raise ModelError("the model's files must be plain names")

    def _check_numbers(self) -> None:
        independent = self.semantics is Semantics.INDEPENDENT
        if (independent or self.thresholds) and len(self.thresholds) != len(self.labels):
            raise ModelError("a model with independent labels needs one threshold a label, any other one or none")
        if not all(math.isfinite(each) and (independent or each > 0) for each in self.thresholds):
            raise ModelError("the model's thresholds must be finite, and positive for exclusive labels")
        if self.dispersions and len(self.dispersions) != len(self.labels) + independent:
            raise ModelError("the model needs one dispersion a label, and nobody's where labels are independent")
        if not all(math.isfinite(each) and each >= 1 for each in self.dispersions):
            raise ModelError("the model's dispersions must be finite and at least 1")


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()
