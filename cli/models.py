"""`screen-time train`, `evaluate`, `promote` and `rollback`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import out, print_seconds, reporter
from training.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from training.evaluation import Scores
    from training.train import TrainedVersion

VideoPaths = Annotated[
    list[Path], typer.Option("--video", help="A labelled video, or a folder of frames; may be repeated.", exists=True)
]
LabelPaths = Annotated[
    list[Path], typer.Option("--labels", help="The label file of the video in the same place.", exists=True)
]


def train(
    video: VideoPaths,
    labels: LabelPaths,
    classes: Annotated[
        str, typer.Option(help="Names of the classes 0, 1, 2 …, separated by commas: neither,jerry,tom.")
    ] = "",
    head: Annotated[str, typer.Option(help="pooled, or classic: the article's own.")] = "pooled",
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    promote: Annotated[bool, typer.Option("--promote", help="Make the new version the champion.")] = False,
) -> None:
    """Train a model on labelled videos, log everything to MLflow, and register it as a new version.

    Example: [cyan]screen-time train --video ep1.mp4 --labels ep1.csv --classes neither,jerry,tom --promote[/cyan]
    """
    if len(video) != len(labels):
        raise typer.BadParameter(f"{len(video)} --video but {len(labels)} --labels: each video needs its label file.")
    from training.dataset import LabelledVideo
    from training.train import TrainingOptions
    from training.train import train as train_model

    pairs = tuple(LabelledVideo(*pair) for pair in zip(video, labels, strict=True))
    options = TrainingOptions(videos=pairs, classes=_names(classes), head=head, seed=seed, promote=promote)
    with reporter() as report:
        version = train_model(options, report)
    _print_version(version)


def evaluate(
    video: Annotated[Path, typer.Option(help="A labelled video, or a folder of frames.", exists=True)],
    labels: Annotated[Path, typer.Option(help="Its label file.", exists=True, dir_okay=False)],
    model: Annotated[str, typer.Option(help="Any MLflow model URI.")] = DEFAULT_MODEL,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures there as JSON; - for standard output.")
    ] = None,
) -> None:
    """Compare a model's answers with a video's labels.

    Example: [cyan]screen-time evaluate --video ep2.mp4 --labels ep2.csv --json figures.json[/cyan]
    """
    from training.dataset import LabelledVideo
    from training.evaluate import evaluate as evaluate_model

    with reporter() as report:
        evaluation = evaluate_model(LabelledVideo(video, labels), model, report)
        for note in evaluation.notes:
            report.note(note)
    text = json.dumps(evaluation.to_json(), indent=2)
    if json_file == Path("-"):
        out.print(text, markup=False, soft_wrap=True)
        return
    if json_file is not None:
        json_file.write_text(text + "\n")
    scores = evaluation.scores
    _print_scores({"all labelled frames": scores})
    print_seconds(video.name, scores.seconds_predicted, scores.seconds_true, scores.duration_seconds)


def promote(version: Annotated[str, typer.Argument(help="The version's number.")]) -> None:
    """Make a version the champion; the deployed function measures the next video with it.

    Example: [cyan]screen-time promote 3[/cyan]
    """
    from training.registry import promote as move_alias

    move = move_alias(version)
    came_from = "" if move.before is None else f" (before: version {move.before})"
    out.print(f"Version {move.after} is champion{came_from}.")


def rollback() -> None:
    """Make the version that was champion before the champion again.

    Example: [cyan]screen-time rollback[/cyan]
    """
    from training.registry import rollback as move_back

    move = move_back()
    out.print(f"Version {move.after} is champion again (before: version {move.before}).")


def _names(classes: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in classes.split(",") if name.strip())


def _print_version(version: "TrainedVersion") -> None:
    _print_scores(version.scores)
    state = "and is champion" if version.promoted else f"promote it with: screen-time promote {version.version}"
    out.print(f"Registered as version {version.version} of {version.name}; {state}.", soft_wrap=True)


def _print_scores(by_split: "Mapping[str, Scores]") -> None:
    """A column for each split: accuracy, and each label's F1."""
    table = Table()
    table.add_column("on held-out frames" if len(by_split) > 1 else "")
    for split in by_split:
        table.add_column(split, justify="right")
    every = list(by_split.values())
    table.add_row("frames", *(str(scores.frames) for scores in every))
    table.add_row("accuracy", *(f"{100 * scores.accuracy:.1f} %" for scores in every))
    table.add_row("macro F1", *(f"{scores.macro_f1:.3f}" for scores in every))
    for label in every[0].labels:
        table.add_row(f"F1 of {label}", *(f"{scores.labels[label].f1:.3f}" for scores in every))
        table.add_row(f"seconds of {label}", *(f"{scores.seconds_error(label):+.1f} %" for scores in every))
    out.print(table)
