"""`screen-time predict`: the result files of one video, without AWS."""

import os
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cli.console import out, print_result, reporter
from screen_time.classifier import Classifier
from screen_time.documents import (
    ERROR_NAME,
    FRAMES_NAME,
    REPORT_NAME,
    RESULT_NAME,
    Document,
    ModelIdentity,
    Request,
    VideoSource,
    error_document,
    frames_csv,
    result_document,
    to_json,
)
from screen_time.errors import VideoError
from screen_time.measurement import measure
from screen_time.report.page import report_html
from screen_time.settings import interval_ms
from training.registry import DEFAULT_MODEL, ResolvedModel, resolve


def predict(
    video: Annotated[Path, typer.Argument(help="The video to measure.", exists=True, dir_okay=False, readable=True)],
    model: Annotated[str, typer.Option(help="Any MLflow model URI.")] = DEFAULT_MODEL,
    out_dir: Annotated[Path, typer.Option("--out", help="Where the video's folder of results is made.")] = Path(
        "results"
    ),
    every: Annotated[str, typer.Option(help="Seconds between two samples.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of a table.")] = False,
) -> None:
    """Measure a video with a registered model, as the deployed function would.

    Example: [cyan]screen-time predict episode.mp4 --out results[/cyan]
    writes results/episode.mp4/screen-time.json, frames.csv and report.html, which plays the video where it lies.
    """
    try:
        interval = interval_ms(every)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--every") from error
    folder = out_dir / video.name
    source = VideoSource(None, video.name, None, None, video.stat().st_size)
    try:
        document = _measure(video, source, resolve(model), interval, folder)
    except VideoError as error:
        _write(folder / ERROR_NAME, to_json(error_document(source, error, None)))
        for name in (RESULT_NAME, REPORT_NAME, FRAMES_NAME):
            (folder / name).unlink(missing_ok=True)
        raise
    (folder / ERROR_NAME).unlink(missing_ok=True)
    if as_json:
        out.print(to_json(document).decode(), end="", markup=False, soft_wrap=True)
    else:
        print_result(document)
        out.print(f"The result is in {folder / RESULT_NAME}, to look at in {folder / REPORT_NAME}.", soft_wrap=True)


def _measure(video: Path, source: VideoSource, model: ResolvedModel, interval: int, folder: Path) -> Document:
    started = time.perf_counter()
    classifier = Classifier.load(model.directory, model.digest)
    with reporter() as report:
        report.stage(f"Measuring {video.name}")
        measurement = measure(video, classifier, interval)
    identity = ModelIdentity(
        model.name or model.uri, model.version or "unregistered", model.alias, model.run_id, model.digest
    )
    request = Request(None, {"total": time.perf_counter() - started})
    document = result_document(source, identity, classifier.manifest, measurement, request)
    _write(folder / FRAMES_NAME, frames_csv(measurement, classifier.manifest))
    page = report_html(document, measurement, classifier.manifest, _address(video, folder))
    _write(folder / REPORT_NAME, page)
    _write(folder / RESULT_NAME, to_json(document))
    return document


def _address(video: Path, folder: Path) -> tuple[str, ...]:
    """Where the report finds the video, as long as neither is moved."""
    return (quote(Path(os.path.relpath(video.resolve(), folder.resolve())).as_posix()),)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
