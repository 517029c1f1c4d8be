"""Two versions side by side in the terminal."""

from typing import TYPE_CHECKING

from rich.table import Table

from cli.console import out

if TYPE_CHECKING:
    from training.compare import VideoComparison

MOST_ROWS = 20
"""Disagreements that are listed; --json and --out have all of them."""


def print_comparison(found: "VideoComparison") -> None:
    """Figures, seconds, verdict, and the frames on which the two differ."""
    comparison = found.comparison
    titles = [f"version {model.version or model.uri}" for model in (found.challenger, found.champion)]
    table = Table(title=f"{found.video}: {comparison.frames} labelled frames", title_justify="left")
    for title in ("", *titles, "true"):
        table.add_column(title, justify="right" if title else "left")
    sides = (comparison.challenger, comparison.champion)
    table.add_row("frames right", *(f"{100 * side.accuracy:.1f} %" for side in sides), "")
    for name, true in comparison.true_seconds.items():
        table.add_row(f"F1 of {name}", *(f"{side.f1[name]:.3f}" for side in sides), "")
        table.add_row(f"seconds of {name}", *(f"{side.seconds[name]:.2f}" for side in sides), f"{true:.2f}")
    out.print(table)
    difference = comparison.difference
    out.print(
        f"{titles[0].capitalize()} is {difference.verdict}: {100 * difference.estimate:+.1f} points, 95 % interval "
        f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}.",
        markup=False,
        soft_wrap=True,
    )
    if comparison.disagreements:
        out.print(_disagreements(found, titles))
    rest = len(comparison.disagreements) - MOST_ROWS
    if rest > 0:
        out.print(f"… and {rest} more; --json and --out have all of them.")


def _disagreements(found: "VideoComparison", titles: list[str]) -> Table:
    count = len(found.comparison.disagreements)
    table = Table(title=f"They disagree on {count} frames", title_justify="left")
    for title in ("second", "shows", *titles):
        table.add_column(title, justify="right" if title == "second" else "left")
    one, other = found.answers
    for key in found.comparison.disagreements[:MOST_ROWS]:
        names = (one[key].shown, one[key].said, other[key].said)
        table.add_row(f"{key[1] / 1000:g}", *(", ".join(sorted(each)) or "nobody" for each in names))
    return table
