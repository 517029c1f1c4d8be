"""Label files: which characters each labelled second of a video shows.

Two layouts are read. `Image_ID,Class` has one class a frame, by name or by number, or several separated by `;`, `|`,
`+` or (numbers) spaces. `Image_ID,<character>,<character>…` has one 0/1 column a character. Both may have a column
`uncertain` (1: leave the frame out) and a column `group` (frames that belong together when data is split). `Image_ID`
frame12.jpg is second 12; frame12.5.jpg lies half a second later.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from screen_time.manifest import Semantics
from training.errors import LabelError
from training.label_table import SPECIAL_COLUMNS, Row, Table, read_table

CLASSIC_CLASSES = ("neither", "jerry", "tom")
"""What 0, 1 and 2 mean in the classic's mapping.csv, which does not say it."""

NOBODY_NAMES = frozenset({"nobody", "neither", "none", "background"})
"""A class of one of these names stands for frames that show no character."""

FEWEST_EXAMPLES = 5
"""A label with fewer examples can be neither learned nor tested."""

_IMAGE_ID = re.compile(r"frame(?P<second>\d+(?:\.\d{1,3})?)(?:\.(?:jpe?g|png))?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.0+)?")  # 1.0: what pandas makes of 1 in a column that has gaps
_SEPARATORS = re.compile(r"[;|+,]")
_YES = frozenset({"1", "1.0", "true", "yes", "x"})
_NO = frozenset({"0", "0.0", "false", "no"})


@dataclass(frozen=True, slots=True)
class LabelledTime:
    """What one frame shows: the names of its labels, or of nobody's label, or (independent labels only) none."""

    time_ms: int
    labels: frozenset[str]
    uncertain: bool = False
    group: str | None = None


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The names that a model answers with, in the order of its outputs, and what several of them at once mean."""

    labels: tuple[str, ...]
    semantics: Semantics
    nobody: str | None

    @property
    def characters(self) -> tuple[str, ...]:
        """The labels that are characters."""
        return tuple(label for label in self.labels if label != self.nobody)


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One label file as read: times in order, every class named, whichever layout it had."""

    path: Path
    classes: tuple[str, ...]
    semantics: Semantics
    times: tuple[LabelledTime, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a label file, filled in or not: `labels` is None where it says nothing yet."""

    cells: Mapping[str, str]
    time_ms: int
    labels: frozenset[str] | None
    uncertain: bool


def read_label_file(path: Path, classes: Sequence[str] = ()) -> LabelFile:
    """Read a label file; `classes` name numeric classes by position and fix the order of the labels.

    Frames without a label are left out. Raises LabelError, naming file and line, where it cannot be understood.
    """
    return layout_of(read_table(path), classes).read()


def layout_of(table: Table, classes: Sequence[str] = ()) -> "ClassColumn | PresenceColumns":
    """The layout that a table's header tells; raises LabelError where it is of none."""
    _check_names(classes)
    return ClassColumn(table, tuple(classes)) if "class" in table.header else PresenceColumns(table, tuple(classes))


def common_scheme(files: Sequence[LabelFile], classes: Sequence[str] = ()) -> LabelScheme:
    """The labels of a model trained on all of `files`: exclusive only where every file is.

    Raises LabelError where a label has too few examples.
    """
    exclusive = all(file.semantics is Semantics.EXCLUSIVE for file in files)
    semantics = Semantics.EXCLUSIVE if exclusive else Semantics.INDEPENDENT
    names = tuple(classes) or tuple(dict.fromkeys(name for file in files for name in file.classes))
    _check_names(names)
    nobody = nobody_of(names)
    labels = names if exclusive else tuple(name for name in names if name != nobody)
    scheme = LabelScheme(labels, semantics, nobody if exclusive else None)
    _check_examples(scheme, files)
    return scheme


def interval_ms(files: Sequence[LabelFile]) -> int:
    """The sampling interval, in ms, that meets every labelled time: 1000, or a part of it."""
    interval = gcd(1000, *(time.time_ms for file in files for time in file.times))
    if interval < 40:
        raise LabelError(f"The labelled times need a sample every {interval} ms; the closest that is read is 40 ms.")
    return interval


def frame_time_ms(image_id: str) -> int | None:
    """The time, in ms, that an Image_ID names (`frame12.jpg` → 12000); None where it names none."""
    match = _IMAGE_ID.fullmatch(image_id.replace("\\", "/").rsplit("/", 1)[-1].strip())
    return None if match is None else round(float(match["second"]) * 1000)


def frame_name(time_ms: int) -> str:
    """The file name of the frame at `time_ms`: frame12.jpg, and frame12.5.jpg between seconds."""
    seconds, rest = divmod(time_ms, 1000)
    return f"frame{seconds}.jpg" if rest == 0 else f"frame{seconds}.{rest:03d}".rstrip("0") + ".jpg"


class Layout:
    """What both layouts share; `_labels` and `_classes` differ."""

    semantics: Semantics

    def __init__(self, table: Table, classes: tuple[str, ...]) -> None:
        self.path, self.header, self.rows, self.given = table.path, table.header, table.rows, classes
        self.notes: list[str] = []
        self.semantics = Semantics.EXCLUSIVE

    def read(self) -> LabelFile:
        """The frames that are labelled; raises LabelError where none is."""
        times = sorted(
            (
                LabelledTime(entry.time_ms, entry.labels, entry.uncertain, entry.cells.get("group") or None)
                for entry in self.entries()
                if entry.labels is not None
            ),
            key=lambda time: time.time_ms,
        )
        if not times:
            raise LabelError(f"{self.path} labels no frame; fill in its columns and try again.")
        return LabelFile(self.path, self._classes(times), self.semantics, tuple(times), tuple(self.notes))

    def entries(self) -> Iterator[Entry]:
        """Every row in the file's order, those that say nothing yet too."""
        lines: dict[int, int] = {}
        for row, time_ms in self._mended():
            if time_ms in lines:
                raise self._error(row, f"{row.cells['image_id']} was already labelled in line {lines[time_ms]}.")
            lines[time_ms] = row.line
            yield Entry(row.cells, time_ms, self._labels(row), self._uncertain(row))

    def _mended(self) -> Iterator[tuple[Row, int]]:
        """Each row with its time in ms; `94, 94, 96` is read as `94, 95, 96` and noted.

        The classic's own mapping.csv has that slip of the pen.
        """
        times = [self._time(row) for row in self.rows]
        for index, (row, time_ms) in enumerate(zip(self.rows, times, strict=True)):
            around = times[index - 1 : index + 2] if index else []
            if around == [time_ms, time_ms, time_ms + 2000]:
                meant = frame_name(time_ms + 1000)
                self.notes.append(f"{self.path.name}, line {row.line}: {row.cells['image_id']} is read as {meant}.")
                yield row, time_ms + 1000
            else:
                yield row, time_ms

    def _time(self, row: Row) -> int:
        time_ms = frame_time_ms(row.cells["image_id"])
        if time_ms is None:
            raise self._error(row, f"Image_ID {row.cells['image_id']!r} is not of the form frame12.jpg.")
        return time_ms

    def _uncertain(self, row: Row) -> bool:
        return self._yes(row, "uncertain") if row.cells.get("uncertain") else False

    def _yes(self, row: Row, column: str) -> bool:
        value = row.cells[column].lower()
        if value not in _YES | _NO:
            raise self._error(row, f"{column} is {row.cells[column]!r}; write 0 or 1.")
        return value in _YES

    def _labels(self, row: Row) -> frozenset[str] | None:
        """The row's labels, or None where it has none yet."""
        raise NotImplementedError

    def _classes(self, times: Sequence[LabelledTime]) -> tuple[str, ...]:
        raise NotImplementedError

    def _error(self, row: Row, problem: str) -> LabelError:
        return LabelError(f"{self.path}, line {row.line}: {problem}")


class ClassColumn(Layout):
    """`Image_ID,Class`."""

    def __init__(self, table: Table, classes: tuple[str, ...]) -> None:
        super().__init__(table, classes)
        unknown = [column for column in self.header if column not in ("image_id", "class", *SPECIAL_COLUMNS)]
        if unknown:
            raise LabelError(f"{self.path} has the columns Class and {unknown[0]!r}, which belongs to no layout.")
        self.names = classes or self._numeric_names()

    @property
    def numeric(self) -> bool:
        """Whether what is filled in are numbers only."""
        words = [word for row in self.rows for word in _tokens(row.cells["class"])]
        return bool(words) and all(_NUMBER.fullmatch(word) for word in words)

    def _numeric_names(self) -> tuple[str, ...]:
        """Names for classes that are all numbers; none where they are names already."""
        tokens = {token for row in self.rows for token in _tokens(row.cells["class"])}
        if not tokens or not all(_NUMBER.fullmatch(token) for token in tokens):
            return ()
        numbers = {int(float(token)) for token in tokens}
        if numbers != {0, 1, 2}:
            listed = ", ".join(map(str, sorted(numbers)))
            raise LabelError(f"{self.path} has the numeric classes {listed}; name them in order with --classes.")
        self.notes.append(
            f"{self.path.name} has the classes 0, 1 and 2: taken as {', '.join(CLASSIC_CLASSES)}, "
            "as the classic has them (name others with --classes)."
        )
        return CLASSIC_CLASSES

    def _labels(self, row: Row) -> frozenset[str] | None:
        names = frozenset(self._name(row, token) for token in _tokens(row.cells["class"]))
        if len(names) > 1:
            if any(is_nobody(name) for name in names):
                raise self._error(row, f"Class {row.cells['class']!r} says both that nobody and that somebody is seen.")
            self.semantics = Semantics.INDEPENDENT
        return names or None

    def _name(self, row: Row, token: str) -> str:
        if not self.names:
            return token
        known = {name.lower(): name for name in self.names}
        nobody = nobody_of(self.names)
        if nobody is not None and is_nobody(token):
            return nobody
        if token.lower() in known:
            return known[token.lower()]
        if not _NUMBER.fullmatch(token):
            raise self._error(row, f"class {token!r} is none of {', '.join(self.names)}.")
        if int(float(token)) >= len(self.names):
            raise self._error(row, f"class {token} has no name; the classes are {', '.join(self.names)}.")
        return self.names[int(float(token))]

    def _classes(self, times: Sequence[LabelledTime]) -> tuple[str, ...]:
        if self.names:
            return self.names
        names = {name for time in times for name in time.labels}
        _check_names(sorted(names))
        return tuple(sorted(names, key=lambda name: (not is_nobody(name), name)))


class PresenceColumns(Layout):
    """`Image_ID,<one 0/1 column a character>`."""

    def __init__(self, table: Table, classes: tuple[str, ...]) -> None:
        super().__init__(table, classes)
        self.semantics = Semantics.INDEPENDENT
        self.columns = [name for name in self.header if name not in ("image_id", *SPECIAL_COLUMNS)]
        if not self.columns:
            raise LabelError(f"{self.path} must have a column Class, or one 0/1 column for each character.")
        if any(is_nobody(column) for column in self.columns):
            raise LabelError(f"{self.path} has a column for nobody; leave it out, a row of zeros says the same.")
        known = {name.lower(): name for name in classes}
        unknown = [column for column in self.columns if known and column.lower() not in known]
        if unknown:
            raise LabelError(f"{self.path} has a column {unknown[0]!r}, which is none of {', '.join(classes)}.")
        self.names = {column: known.get(column.lower(), column) for column in self.columns}

    def _labels(self, row: Row) -> frozenset[str] | None:
        filled = [column for column in self.columns if row.cells[column]]
        if not filled:
            return None
        empty = [column for column in self.columns if not row.cells[column]]
        if empty:
            raise self._error(row, f"{empty[0]} is empty; write 0 or 1, or leave the whole row empty.")
        return frozenset(self.names[column] for column in self.columns if self._yes(row, column))

    def _classes(self, times: Sequence[LabelledTime]) -> tuple[str, ...]:
        del times
        return tuple(self.names.values())


def _tokens(cell: str) -> tuple[str, ...]:
    """The classes in a cell, in the order written."""
    if all(_NUMBER.fullmatch(word) for word in cell.split()):
        return tuple(cell.split())
    return tuple(token for token in map(str.strip, _SEPARATORS.split(cell)) if token)


def is_nobody(name: str) -> bool:
    """Whether a class of this name stands for frames without a character."""
    return name.lower() in NOBODY_NAMES


def nobody_of(names: Iterable[str]) -> str | None:
    """The name among `names` that means nobody; None where there is none."""
    return next((name for name in names if is_nobody(name)), None)


def _check_names(names: Sequence[str]) -> None:
    lowered = [name.lower() for name in names]
    if "" in lowered or len(set(lowered)) != len(lowered):
        raise LabelError(f"Class names must be present and distinct: {', '.join(names)}.")
    empty = [name for name in names if is_nobody(name)]
    if len(empty) > 1:
        raise LabelError(f"{' and '.join(empty)} both mean that nobody is seen; keep one of them.")


def _check_examples(scheme: LabelScheme, files: Sequence[LabelFile]) -> None:
    frames = [time.labels for file in files for time in file.times if not time.uncertain]
    counts = Counter(label for labels in frames for label in labels)
    for label in scheme.labels:
        _check_count(label, counts[label], "showing")
        if scheme.semantics is Semantics.INDEPENDENT:
            _check_count(label, len(frames) - counts[label], "not showing")
    if scheme.semantics is Semantics.EXCLUSIVE and len(scheme.labels) < 2:
        raise LabelError(f"Every frame is labelled {scheme.labels[0]}; there is nothing to tell apart.")


def _check_count(label: str, count: int, how: str) -> None:
    if count < FEWEST_EXAMPLES:
        raise LabelError(f"{count} labelled frames {how} {label} are too few; at least {FEWEST_EXAMPLES} are needed.")
