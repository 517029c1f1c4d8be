"""Label files from what Label Studio, CVAT and VIA export for image classification."""

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelling.imports import cvat, label_studio, via
from labelling.imports.said import Said
from labelling.sheet import Mark, Sheet
from training.errors import LabelError
from training.labels import frame_time_ms, is_nobody

MEMBERS = (".xml", ".json", ".csv")
"""Files that an export's ZIP archive may hold annotations in."""

_READERS: Mapping[str, Callable[[Any], Iterator[Said]]] = {
    "Label Studio": label_studio.read_tasks,
    "VIA": via.read_project,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over: from which tool, how many frames, and what a person should know."""

    tool: str
    frames: int
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def import_labels(export: Path, target: Path) -> Imported:
    """Turn an export (JSON, XML, CSV, or a ZIP with one of them) into a new label file.

    Where annotators disagree about a frame the first one's answer is kept, and the frame marked as uncertain. Raises
    LabelError where the file is none of the exports, where it labels no frame, or where `target` exists.
    """
    if target.exists():
        raise LabelError(f"{target} exists already; choose another name, or move it away.")
    name, data = _content(export)
    tool, said = _read(name, data)
    answers = _by_frame(export, said)
    names = sorted({each for labels in answers.values() for each in labels[0]})
    marks = [(time_ms, Mark(labels[0], uncertain=len(set(labels)) > 1)) for time_ms, labels in sorted(answers.items())]
    if not names:
        raise LabelError(f"{export} says of no frame who is on it.")
    Sheet(target, names).change(marks)
    return Imported(tool, len(marks), tuple(names), tuple(_notes(marks)))


def _content(export: Path) -> tuple[str, bytes]:
    """Name and bytes of the annotations, which may lie in an archive."""
    try:
        data = export.read_bytes()
    except OSError as error:
        raise LabelError(f"{export} cannot be read: {error.strerror}.") from error
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return export.name, data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.namelist() if each.lower().endswith(MEMBERS)]
        if len(members) != 1:
            raise LabelError(f"{export} holds {len(members)} files of annotations; unpack it and choose one.")
        return members[0], archive.read(members[0])


def _read(name: str, data: bytes) -> tuple[str, Iterator[Said]]:
    """The tool that wrote the annotations, and what it says."""
    text = data.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        return "CVAT", cvat.read_xml(data)
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except ValueError as error:
            raise LabelError(f"{name} is no JSON that can be read: {error}.") from error
        tool = "Label Studio" if isinstance(document, list) else "VIA"
        return tool, _READERS[tool](document)
    header = text.partition("\n")[0]
    if "file_attributes" in header:
        return "VIA", via.read_csv(text)
    return "Label Studio", label_studio.read_csv(text)


def _by_frame(export: Path, said: Iterator[Said]) -> dict[int, list[frozenset[str]]]:
    """Each frame's answers, in order; raises LabelError for a picture whose name says no time."""
    found: dict[int, list[frozenset[str]]] = defaultdict(list)
    try:
        for each in said:
            time_ms = frame_time_ms(each.image)
            if time_ms is None:
                raise LabelError(
                    f"{export} labels {each.image!r}, whose name does not say when it is; frames are named frame12.jpg "
                    "after their second, as `screen-time frames` writes them."
                )
            found[time_ms].append(frozenset(name for name in each.labels if not is_nobody(name)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LabelError(f"{export} is no export that is understood: {error!r}.") from error
    return found


def _notes(marks: list[tuple[int, Mark]]) -> Iterator[str]:
    uncertain = sum(mark.uncertain for _, mark in marks)
    if uncertain:
        yield f"Annotators disagree about some frames, {uncertain} in all: these are marked as uncertain."
