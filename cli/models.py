"""`screen-time train`, `evaluate`, `promote` and `rollback`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.comparing import print_comparison
from cli.console import err, out, print_json, print_seconds, reporter, write_json
from cli.options import names
from training.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from training.evaluation import Scores
    from training.train import TrainedVersion

VideoPaths = Annotated[
    list[Path], typer.Option("--video", help="A labelled video, or a folder of frames; may be repeated.", exists=True)
]
LabelPaths = Annotated[
    list[Path], typer.Option("--labels", help="The label file of the video in the same place.", exists=True)
]

AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]


def train(
    video: VideoPaths,
    labels: LabelPaths,
    classes: Annotated[
        str, typer.Option(help="Names of the classes 0, 1, 2 …, separated by commas: neither,jerry,tom.")
    ] = "",
    head: Annotated[
        str,
        typer.Option(help="joint (or its best member), pooled, places; classic: the article's."),
    ] = "joint",
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
    promote: Annotated[bool, typer.Option("--promote", help="Make the new version the champion.")] = False,
    baseline: Annotated[bool, typer.Option(help="Train the article's head beside it, to show what is gained.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print version and figures as JSON.")] = False,
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
    options = TrainingOptions(
        videos=pairs, classes=names(classes), head=head, seed=seed, promote=promote, baseline=baseline
    )
    with reporter() as report:
        version = train_model(options, report)
    if as_json:
        print_json(_version_json(version))
    else:
        _print_version(version)
    if promote and not version.promoted:
        raise typer.Exit(1)


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
    if write_json(evaluation.to_json(), json_file):
        return
    scores = evaluation.scores
    _print_scores({"all labelled frames": scores})
    print_seconds(video.name, scores.seconds_predicted, scores.seconds_true, scores.duration_seconds)


def compare(
    challenger: Annotated[str, typer.Argument(help="A version's number, an alias or a model URI.")],
    champion: Annotated[str, typer.Argument(help="What it is compared with.")] = "champion",
    *,
    video: Annotated[Path, typer.Option(help="A labelled video, or a folder of frames.", exists=True)],
    labels: Annotated[Path, typer.Option(help="Its label file.", exists=True, dir_okay=False)],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures there as JSON; - for standard output.")
    ] = None,
    page: Annotated[Path | None, typer.Option("--out", help="Write a page there: figures, timeline, pictures.")] = None,
) -> None:
    """Compare two versions on a labelled video: figures, seconds, and where they disagree.

    Example: [cyan]screen-time compare 3 champion --video ep2.mp4 --labels ep2.csv --out comparison.html[/cyan]
    """
    from training.compare import compare_on_video
    from training.dataset import LabelledVideo

    with reporter() as report:
        found = compare_on_video(LabelledVideo(video, labels), challenger, champion, report)
        for note in found.notes:
            report.note(note)
    if page is not None:
        from training.comparison_page import comparison_page

        page.write_text(comparison_page(found), encoding="utf-8")
    if write_json(found.to_json(), json_file):
        return
    print_comparison(found)
    if page is not None:
        out.print(f"The page is {page}.", markup=False, soft_wrap=True)


def promote(
    version: Annotated[str, typer.Argument(help="The version's number.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the version.")] = "",
    video: Annotated[
        Path | None, typer.Option(help="Compare with the champion on this labelled video.", exists=True)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Its label file.", exists=True, dir_okay=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote it even if it is worse than the champion.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion; the deployed function measures the next video with it.

    A version that is worse than the champion, on the frames that both were tested on or on --video, is refused.

    Example: [cyan]screen-time promote 3 --reason "more night scenes"[/cyan]
    """
    if (video is None) != (labels is None):
        raise typer.BadParameter("--video and --labels go together.")
    from training.dataset import LabelledVideo
    from training.promotion import PromotionRequest
    from training.promotion import promote as promote_checked

    labelled = LabelledVideo(video, labels) if video and labels else None
    with reporter() as report:
        promotion = promote_checked(PromotionRequest(version, reason, labelled, force), report)
    move = promotion.move
    if as_json:
        print_json({"version": move.after, "before": move.before, "ground": promotion.ground})
        return
    err.print(promotion.ground, markup=False, soft_wrap=True)
    came_from = "" if move.before is None else f" (before: version {move.before})"
    out.print(f"Version {move.after} is champion{came_from}.")


def rollback(as_json: AsJson = False) -> None:
    """Make the version that was champion before the champion again.

    Example: [cyan]screen-time rollback[/cyan]
    """
    from training.registry import rollback as move_back

    move = move_back()
    if as_json:
        print_json({"version": move.after, "before": move.before})
        return
    out.print(f"Version {move.after} is champion again (before: version {move.before}).")


def _version_json(version: "TrainedVersion") -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "run_id": version.run_id,
        "digest": version.digest,
        "labels": list(version.labels),
        "scores": {split: scores.metrics() for split, scores in version.scores.items()},
        "promoted": version.promoted,
    }


def _print_version(version: "TrainedVersion") -> None:
    columns = {**version.scores, **{f"classic {split}": each for split, each in version.baseline.items()}}
    _print_scores(columns, version.intervals)
    state = "and is champion" if version.promoted else f"promote it with: screen-time promote {version.version}"
    out.print(f"Registered as version {version.version} of {version.name}; {state}.", soft_wrap=True)


def _print_scores(
    by_split: "Mapping[str, Scores]", intervals: "Mapping[str, tuple[float, float]] | None" = None
) -> None:
    """A column for each split: accuracy, and each label's F1; and the intervals of the grouped figures."""
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
    if intervals:
        low, high = (100 * bound for bound in intervals["accuracy"])
        out.print(f"Grouped accuracy with 95 % confidence: {low:.0f} to {high:.0f} %.")
