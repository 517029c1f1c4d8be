"""`screen-time suggest`: what to label next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.console import out, print_json, reporter
from cli.options import seconds_option
from training.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from training.suggest import SuggestedFrames


def suggest(
    video: Annotated[Path, typer.Argument(help="A video to label some frames of.", exists=True, dir_okay=False)],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the frames and labels.csv.")],
    model: Annotated[str, typer.Option(help="Any MLflow model URI.")] = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(help="How many frames at most.", min=1)] = 20,
    every: Annotated[str, typer.Option(help="Seconds between the frames that are looked at.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the frames as JSON instead of a table.")] = False,
) -> None:
    """Write the frames that the model is least sure of, each of another scene, with its own answers to correct.

    Example: [cyan]screen-time suggest ep2.mp4 --out ep2-next --count 30[/cyan]
    Correct ep2-next/labels.csv (screen-time label ep2-next --labels ep2-next/labels.csv), then train with it as one
    more pair: --video ep2.mp4 --labels ep2-next/labels.csv
    """
    from training.suggest import suggest as suggest_frames

    interval = seconds_option(every, "--every")
    with reporter() as report:
        found = suggest_frames(video, folder, interval, count, model, report)
    if as_json:
        print_json(_to_json(found))
        return
    _print(found)
    out.print(f"Correct {found.labels}, then train with: --video {video} --labels {found.labels}", soft_wrap=True)


def _to_json(found: "SuggestedFrames") -> dict[str, Any]:
    return {
        "labels": str(found.labels),
        "frames": [
            {
                "file": frame.name,
                "time": frame.time_ms / 1000,
                "labels": list(frame.labels),
                "margin": round(frame.margin, 4),
                "probabilities": {label: round(value, 4) for label, value in frame.probabilities.items()},
            }
            for frame in found.frames
        ],
    }


def _print(found: "SuggestedFrames") -> None:
    table = Table(title="What to label next", title_justify="left")
    for column in ("frame", "the model says", "margin"):
        table.add_column(column, justify="right" if column == "margin" else "left")
    for frame in found.frames:
        table.add_row(frame.name, " + ".join(frame.labels) or "nobody", f"{frame.margin:.3f}")
    out.print(table)
