"""VIA, the VGG Image Annotator: attributes of whole files, of versions 2 (JSON, CSV, project) and 3 (project)."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from labelling.imports.said import Said, file_name


def read_project(document: dict[str, Any]) -> Iterator[Said]:
    """A project, or version 2's annotations alone."""
    if "metadata" in document and "file" in document:
        yield from _version_3(document)
        return
    for entry in document.get("_via_img_metadata", document).values():
        yield from _file(entry["filename"], entry["file_attributes"])


def read_csv(text: str) -> Iterator[Said]:
    """Version 2's CSV: a line for each region, so that a file may come several times."""
    seen = set()
    for row in csv.DictReader(io.StringIO(text)):
        name = row.get("filename") or row.get("#filename") or ""
        if name not in seen:
            seen.add(name)
            yield from _file(name, json.loads(row["file_attributes"] or "{}"))


def _file(name: str, attributes: dict[str, Any]) -> Iterator[Said]:
    """A file's attributes: text, the choice of a list, or a table of check boxes."""
    answers = [answer for value in attributes.values() for answer in _answers(value)]
    if answers:
        yield Said(file_name(name), tuple(answers))


def _answers(value: Any) -> list[str]:  # noqa: ANN401 (as VIA has it)
    if isinstance(value, dict):
        return [name for name, ticked in value.items() if ticked]
    return [part.strip() for part in str(value).replace(";", ",").split(",") if part.strip()]


def _version_3(document: dict[str, Any]) -> Iterator[Said]:
    """Entries without place and time are about the whole file; their values are keys of the attribute's options."""
    options = {number: each.get("options", {}) for number, each in document["attribute"].items()}
    for entry in document["metadata"].values():
        if entry.get("z") or entry.get("xy"):
            continue
        file = document["file"][str(document["view"][entry["vid"]]["fid_list"][0])]
        answers = [
            options.get(number, {}).get(key, key)
            for number, value in entry["av"].items()
            for key in str(value).split(",")
            if key
        ]
        if answers:
            yield Said(file_name(file.get("fname") or file["src"]), tuple(answers))
