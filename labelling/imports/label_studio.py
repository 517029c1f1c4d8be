"""Label Studio: choices of image classification, as JSON, JSON-MIN or CSV."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from labelling.imports.said import Said, file_name

_SKIPPED = ("was_cancelled", "skipped")
_BOOK_KEEPING = frozenset(
    "id annotation_id annotator annotators created_at updated_at lead_time inner_id project".split()
)


def read_tasks(tasks: list[dict[str, Any]]) -> Iterator[Said]:
    """Both JSON exports: the full one has `annotations`, JSON-MIN the fields themselves."""
    for task in tasks:
        if "annotations" in task or "completions" in task:
            yield from _full(task)
        else:
            yield from _flat(task)


def read_csv(text: str) -> Iterator[Said]:
    """The CSV export: a column with the picture, one with the choice or the choices."""
    for row in csv.DictReader(io.StringIO(text)):
        yield from _flat({name: _parsed(value) for name, value in row.items() if name})


def _full(task: dict[str, Any]) -> Iterator[Said]:
    image = file_name(_image(task["data"]))
    for annotation in task.get("annotations") or task.get("completions") or ():
        if any(annotation.get(name) for name in _SKIPPED):
            continue
        answers = [part["value"]["choices"] for part in annotation["result"] if part.get("type") == "choices"]
        if answers:
            yield Said(image, tuple(choice for choices in answers for choice in choices))


def _flat(fields: dict[str, Any]) -> Iterator[Said]:
    """One row. The field with the answer has the name that the labelling interface gave it, `choice` unless changed."""
    image = _image(fields)
    others = (name for name, value in fields.items() if name not in _BOOK_KEEPING and value != image)
    for name in ("choice", "choices", *others):
        value = fields.get(name)
        choices = value.get("choices", ()) if isinstance(value, dict) else value
        if choices:
            yield Said(file_name(image), (choices,) if isinstance(choices, str) else tuple(map(str, choices)))
            return


def _image(data: dict[str, Any]) -> str:
    """The picture's address, under whatever name the labelling interface gave it."""
    for name in ("image", "img", "picture", "url"):
        if isinstance(data.get(name), str):
            return str(data[name])
    for value in data.values():
        if isinstance(value, str) and value.lower().endswith((".jpg", ".jpeg", ".png")):
            return value
    raise KeyError("no field with a picture")


def _parsed(value: str | None) -> Any:  # noqa: ANN401 (JSON, or the text itself)
    if value and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
