"""`screen-time frames`, `label` and `import-labels`: from a video to a filled label file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, reporter
from cli.options import names, seconds_option

if TYPE_CHECKING:
    from training.registry import ResolvedModel
    from training.reporting import Reporter


def frames(
    video: Annotated[Path, typer.Argument(help="The video to label.", exists=True, dir_okay=False, readable=True)],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the frames and labels.csv.")],
    every: Annotated[float, typer.Option(help="Seconds between two frames.")] = 1.0,
) -> None:
    """Write a frame a second as frame0.jpg, frame1.jpg … and a labels.csv to fill in.

    Example: [cyan]screen-time frames episode.mp4 --out episode-frames[/cyan]
    """
    from training.frames import write_frames

    with reporter() as report:
        written = write_frames(video, folder, every, report)
    out.print(f"Wrote {written.count} frames; fill in the column Class of {written.labels}.", soft_wrap=True)


def label(
    video: Annotated[Path, typer.Argument(help="The video to label, or a folder of its frames.", exists=True)],
    labels: Annotated[Path, typer.Option("--labels", help="The label file: continued, or begun.", dir_okay=False)],
    classes: Annotated[str, typer.Option(help="Names of the classes, separated by commas: nobody,tom,jerry.")] = "",
    several: Annotated[bool, typer.Option("--several", help="A frame may show several characters.")] = False,
    every: Annotated[
        str | None, typer.Option(help="Seconds between two frames; without it those that the label file lists, or 1.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="MLflow URI of the model that suggests; none for no suggestions.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page on this machine.", min=1, max=65535)] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> None:
    """Label frames in the browser, one key press a frame, with the champion's suggestions where there is one.

    Every key press is on disk at once; run the command again to go on.

    Example: [cyan]screen-time label episode.mp4 --labels episode.csv --classes nobody,tom,jerry[/cyan]
    """
    from labelling.job import JobOptions, open_job
    from labelling.server import LabellingServer

    options = JobOptions(names(classes), several, None if every is None else seconds_option(every, "--every"))
    with reporter() as report:
        job = open_job(video, labels, options, None if model == "none" else _suggesting(model, report), report)
    server = LabellingServer(job, port)
    if job.suggestions is not None:
        job.suggestions.start()
    out.print(f"Label at {server.link}", markup=False, soft_wrap=True)
    out.file.flush()
    err.print("Ctrl-C ends; everything is saved already.")
    if browser:
        typer.launch(server.link)
    server.serve()
    if job.suggestions is not None:
        job.suggestions.stop()
    if labels.exists():
        err.print(f"{labels} holds what you have labelled.", markup=False, soft_wrap=True)


def import_labels(
    export: Annotated[
        Path, typer.Argument(help="What Label Studio, CVAT or VIA exported: JSON, XML, CSV or ZIP.", exists=True)
    ],
    target: Annotated[Path, typer.Option("--out", help="The label file that is written.")],
) -> None:
    """Turn another tool's image classification into a label file.

    Example: [cyan]screen-time import-labels project-1.json --out episode.csv[/cyan]
    """
    from labelling.imports import import_labels as take_over

    imported = take_over(export, target)
    for note in imported.notes:
        err.print(note, markup=False, soft_wrap=True)
    names = ", ".join(imported.classes)
    out.print(f"{imported.tool}: {imported.frames} frames of {names} are in {target}.", markup=False, soft_wrap=True)


def _suggesting(uri: str | None, report: "Reporter") -> "ResolvedModel | None":
    """The model asked for; else the champion, where there is a registry that has one."""
    from screen_time.errors import TransientError
    from training.model_names import DEFAULT_MODEL
    from training.registry import resolve

    if uri is None and "MLFLOW_TRACKING_URI" not in os.environ and not Path("mlflow.db").exists():
        return None  # asking would create an empty registry here
    report.stage("Fetching the model that suggests")
    try:
        return resolve(uri or DEFAULT_MODEL)
    except TransientError as error:
        if uri is not None:
            raise
        report.note(f"No suggestions: {error}")
        return None
