"""A script's ground truth as label files, one row a second: the two formats that training reads."""

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from demo.script import Script

IMAGE_COLUMN = "Image_ID"
CLASS_COLUMN = "Class"
NEITHER = "neither"


def class_names(script: Script) -> tuple[str, ...]:
    """Names of the classes 0, 1, 2 … of `write_classes`: neither first, then the cast."""
    return (NEITHER, *script.cast)


def write_classes(script: Script, path: Path) -> None:
    """Write `Image_ID,Class` with 0 for nobody and the character's place in the cast, from 1, otherwise.

    Several characters in one frame are joined with a blank ("1 2").
    """
    _write(path, (IMAGE_COLUMN, CLASS_COLUMN), ((name, _classes(script, present)) for name, present in _rows(script)))


def write_presence(script: Script, path: Path) -> None:
    """Write `Image_ID` and one column a character, 1 where it can be seen and 0 where not."""
    rows = ((name, *(int(character in present) for character in script.cast)) for name, present in _rows(script))
    _write(path, (IMAGE_COLUMN, *script.cast), rows)


def _rows(script: Script) -> Iterator[tuple[str, frozenset[str]]]:
    for second in range(math.ceil(script.seconds)):
        yield f"frame{second}.jpg", script.presence(second)


def _classes(script: Script, present: frozenset[str]) -> str:
    numbers = (str(number) for number, character in enumerate(script.cast, start=1) if character in present)
    return " ".join(numbers) or "0"


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
