"""A label file that is being filled in: read as training reads it, changed frame by frame, written back as it was."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from screen_time.manifest import Semantics
from training.errors import LabelError
from training.label_table import Table, read_table
from training.labels import ClassColumn, PresenceColumns, frame_name, frame_time_ms, is_nobody, layout_of, nobody_of

NOBODY = "nobody"
_UNCERTAIN = "uncertain"
_SEPARATORS = frozenset(";|+,")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person said of one frame: the characters it shows, an empty set where it shows nobody.

    `labels` is None as long as nothing was said.
    """

    labels: frozenset[str] | None = None
    uncertain: bool = False


class Sheet:
    """A label file with a mark for each of its frames.

    Whatever it has beside them is kept: other columns, the order of its rows, delimiter, encoding, names or numbers.
    """

    def __init__(
        self, path: Path, classes: Sequence[str] = (), *, known: Sequence[str] = (), several: bool = False
    ) -> None:
        """Read `path`, or begin a new file for `classes`.

        Without `classes` those are offered that the file has, and those `known` otherwise. `several` lets a frame show
        several characters where the file does not say so itself. Raises LabelError where the file cannot be
        understood, or where nothing says which classes there are.
        """
        self.path = path.resolve()  # a link is written through, not replaced
        self._given, self._known = _checked(classes), _checked(known)
        self._several = several
        self._stamp: tuple[int, int] | None = None
        self._read()

    @property
    def characters(self) -> tuple[str, ...]:
        """The classes that are characters, in order."""
        return tuple(name for name in self._names if not is_nobody(name))

    @property
    def nobody(self) -> str | None:
        """What a frame without characters is called; None where the file has no class for it."""
        return nobody_of(self._names) if self._by_class else NOBODY

    @property
    def times_ms(self) -> tuple[int, ...]:
        """The frames that the file lists, labelled or not, in order of time."""
        return tuple(sorted(self._marks))

    def mark(self, time_ms: int) -> Mark:
        """What is said of a frame so far."""
        return self._marks.get(time_ms, Mark())

    def add_frames(self, times_ms: Iterable[int]) -> None:
        """List frames that the file does not list yet, without saying anything of them."""
        for time_ms in times_ms:
            if time_ms not in self._marks:
                self._marks[time_ms] = Mark()
                self._cells[time_ms] = {"image_id": frame_name(time_ms)}

    def change(self, marks: Sequence[tuple[int, Mark]]) -> None:
        """Mark frames, in order, and write the file: afterwards it is on disk, or LabelError says why not.

        Where somebody else changed the file since, their changes are read first and kept.
        """
        if self._stamp != _stamp(self.path):
            listed = self.times_ms
            self._read()
            self.add_frames(listed)
        for _, mark in marks:
            self._check(mark)
        for time_ms, mark in marks:
            self.add_frames([time_ms])
            self._marks[time_ms] = mark
        self.write()

    def write(self) -> None:
        """Replace the file at once: a reader, or a crash, finds the old file or the new one and nothing between."""
        try:
            _replace(self.path, self._encoded())
        except OSError as error:
            raise LabelError(f"{self.path} cannot be written: {error.strerror}.") from error
        self._stamp = _stamp(self.path)

    def _read(self) -> None:
        stamp = _stamp(self.path)
        table = _new_table(self.path) if stamp is None else read_table(self.path)
        layout = layout_of(table, self._given)
        entries = list(layout.entries())
        self._by_class = isinstance(layout, ClassColumn)
        self._numeric = isinstance(layout, ClassColumn) and layout.numeric
        self._columns = layout.names if isinstance(layout, PresenceColumns) else {}
        found = layout.names if isinstance(layout, ClassColumn) else tuple(layout.names.values())
        self._names = self._offered(found or self._with_known(_found(entry.labels for entry in entries)))
        # Last: a file that cannot be understood stays unread, and is not written over.
        self._stamp, self._table = stamp, table
        self.several = self._several or layout.semantics is Semantics.INDEPENDENT
        self._cells = {entry.time_ms: dict(entry.cells) for entry in entries}
        self._marks = {entry.time_ms: Mark(_characters(entry.labels), entry.uncertain) for entry in entries}

    def _with_known(self, found: tuple[str, ...]) -> tuple[str, ...]:
        lowered = {name.lower() for name in found}
        nobody = nobody_of(found) is not None
        return (
            *found,
            *(name for name in self._known if name.lower() not in lowered and not (nobody and is_nobody(name))),
        )

    def _offered(self, offered: tuple[str, ...]) -> tuple[str, ...]:
        """The classes a frame can be given; in a file of names, nobody is always one of them."""
        if all(map(is_nobody, offered)):
            raise LabelError(
                f"Nothing says who is to be labelled in {self.path}; name them: --classes nobody,tom,jerry."
            )
        add_nobody = self._by_class and not self._numeric and nobody_of(offered) is None
        return (NOBODY, *offered) if add_nobody else offered

    def _check(self, mark: Mark) -> None:
        unknown = sorted((mark.labels or frozenset()) - set(self.characters))
        if unknown:
            raise LabelError(f"{unknown[0]!r} is none of the classes of {self.path}: {', '.join(self.characters)}.")
        if mark.labels is not None and not mark.labels and self.nobody is None:
            raise LabelError(f"{self.path} has no class for a frame without characters.")

    def _encoded(self) -> bytes:
        extra = any(mark.uncertain for mark in self._marks.values()) and _UNCERTAIN not in self._table.header
        columns = [*self._table.header, *([_UNCERTAIN] if extra else [])]
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self._table.delimiter, lineterminator=self._table.newline)
        writer.writerow([*self._table.written, *columns[len(self._table.written) :]])
        for time_ms in self._order():
            cells = self._row(time_ms)
            writer.writerow([cells.get(column, "") for column in columns])
        try:
            return text.getvalue().encode(self._table.encoding)
        except UnicodeEncodeError:  # a new name in a file of an older encoding
            return text.getvalue().encode("utf-8-sig")

    def _order(self) -> list[int]:
        """Frames as the file has them where it was sorted by nothing; by time where it was sorted by time."""
        listed = list(self._cells)
        known = [time_ms for time_ms in listed if len(self._cells[time_ms]) > 1]
        return sorted(listed) if known == sorted(known) else listed

    def _row(self, time_ms: int) -> dict[str, str]:
        """One frame's cells: the file's own, with what its mark says."""
        cells, mark = dict(self._cells[time_ms]), self._marks[time_ms]
        if frame_time_ms(cells["image_id"]) != time_ms:  # the classic's slip of the pen, mended
            cells["image_id"] = frame_name(time_ms)
        if mark.uncertain or cells.get(_UNCERTAIN):
            cells[_UNCERTAIN] = str(int(mark.uncertain))
        if self._by_class:
            return {**cells, "class": self._class(mark.labels)}
        return {**cells, **{column: _presence(name, mark.labels) for column, name in self._columns.items()}}

    def _class(self, labels: frozenset[str] | None) -> str:
        if labels is None:
            return ""
        names = [name for name in self._names if name in labels] or [self.nobody or ""]
        return " ".join(str(self._names.index(name)) for name in names) if self._numeric else ";".join(names)


def _checked(classes: Sequence[str]) -> tuple[str, ...]:
    bad = next((name for name in classes if _SEPARATORS & set(name)), None)
    if bad is not None:
        raise LabelError(f"The class {bad!r} has a sign in its name that separates classes in label files.")
    return tuple(classes)


def _new_table(path: Path) -> Table:
    return Table(path, ("image_id", "class"), ("Image_ID", "Class"), ())


def _found(labels: Iterable[frozenset[str] | None]) -> tuple[str, ...]:
    """Every class that is used somewhere, nobody first."""
    names = {name for each in labels for name in each or ()}
    return tuple(sorted(names, key=lambda name: (not is_nobody(name), name)))


def _characters(labels: frozenset[str] | None) -> frozenset[str] | None:
    return None if labels is None else frozenset(name for name in labels if not is_nobody(name))


def _presence(name: str, labels: frozenset[str] | None) -> str:
    return "" if labels is None else str(int(name in labels))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells whether a file was changed; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def _replace(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode if path.exists() else None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode & 0o777 if mode is not None else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
