"""What a person sees in the terminal: results on stdout, everything else on stderr."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class RateColumn(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Nothing until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="progress.data.speed")


class RemainingColumn(TimeRemainingColumn):
    """The time that is left, in words, where somebody counted the steps."""

    def render(self, task: Task) -> Text:
        """Nothing for a stage whose length nobody knows, or that is done."""
        if task.total is None or task.finished:
            return Text("")
        return Text.assemble(super().render(task), " left")


class TerminalReporter:
    """Draws a bar for each stage on a terminal, and says one line a stage where there is none."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeElapsedColumn(),
            RemainingColumn(),
        )
        self._progress = Progress(*columns, console=err, disable=not err.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, title: str, total: int | None = None) -> None:
        """Begin a stage of `total` steps; None where nobody knows how many."""
        self.finish_stage()
        if err.is_terminal:
            self._task = self._progress.add_task(title, total=total)
        else:
            err.print(title)

    def advance(self, steps: int = 1) -> None:
        """The current stage has taken `steps` more."""
        if self._task is not None:
            self._progress.advance(self._task, steps)

    def note(self, sentence: str) -> None:
        """Say something that stays on the screen."""
        self._progress.console.print(sentence, markup=False)

    def refresh(self) -> None:
        """Draw at once what would be drawn in a moment."""
        self._progress.refresh()

    def finish_stage(self) -> None:
        """Fill the bar of a stage that nobody counted."""
        if self._task is None:
            return
        (task,) = (each for each in self._progress.tasks if each.id == self._task)
        if not task.finished:
            self._progress.update(self._task, total=max(1, task.completed), completed=max(1, task.completed))


@contextmanager
def reporter() -> Iterator[TerminalReporter]:
    """A reporter for the length of one command."""
    with TerminalReporter() as drawing:
        yield drawing
        drawing.finish_stage()


def print_result(document: Mapping[str, Any]) -> None:
    """Show who was on screen how long."""
    rows = dict(document["characters"])
    if document["nobody"] is not None:
        rows["nobody"] = document["nobody"]
    sure = any(found.get("seconds_interval") for found in rows.values())
    table = Table(title=f"{document['video']['key']}: {document['video']['duration_seconds']:.3f} s")
    for title in ("on screen", "seconds", *["between"] * sure, "percent", "first seen", "last seen", "confidence"):
        table.add_column(title, justify="left" if title == "on screen" else "right")
    for name, found in rows.items():
        table.add_row(
            name,
            _cell(found["seconds"]),
            *[_between(found.get("seconds_interval"))] * sure,
            *(_cell(found[key]) for key in ("percent", "first_seen", "last_seen", "mean_confidence")),
        )
    out.print(table)


def print_seconds(
    title: str, predicted: Mapping[str, float], true: Mapping[str, float], duration_seconds: float
) -> None:
    """Show measured beside true seconds, and their difference in percent of the duration."""
    table = Table(title=title, title_justify="left")
    for column in ("on screen", "measured s", "true s", "difference", "of the duration"):
        table.add_column(column, justify="left" if column == "on screen" else "right")
    for label, seconds in predicted.items():
        known = true.get(label)
        difference = None if known is None else seconds - known
        share = None if difference is None else 100 * difference / duration_seconds
        table.add_row(label, _cell(seconds), _cell(known), _cell(difference, "+"), _cell(share, "+") + " %")
    out.print(table)


def _between(interval: Sequence[float] | None) -> str:
    return "–" if interval is None else f"{interval[0]:.1f} and {interval[1]:.1f}"


def _cell(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.2f}"


def print_json(document: Mapping[str, Any]) -> None:
    """A document on standard output, for programs."""
    out.print(json.dumps(document, indent=2, ensure_ascii=False), markup=False, soft_wrap=True)


def write_json(document: Mapping[str, Any], target: Path | None) -> bool:
    """Write a document to a file, or to standard output where `target` is `-`; tells whether it was the latter."""
    if target == Path("-"):
        print_json(document)
        return True
    if target is not None:
        target.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return False
