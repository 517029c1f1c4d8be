"""The files that the deployed function would write for a video, written on this machine."""

import os
import time
from pathlib import Path
from urllib.parse import quote

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
from screen_time.measurement import Progress, measure
from screen_time.report.page import report_html
from training.frames import declared_samples
from training.registry import ResolvedModel
from training.reporting import Reporter


def write_results(video: Path, model: ResolvedModel, interval: int, folder: Path, reporter: Reporter) -> Document:
    """Measure `video` and write its results into `folder`; returns screen-time.json's content.

    Where it cannot be measured, error.json is written in their place and the VideoError raised.
    """
    source = VideoSource(None, video.name, None, None, video.stat().st_size)
    try:
        document = _measure(video, source, model, interval, folder, reporter)
    except VideoError as error:
        _write(folder / ERROR_NAME, to_json(error_document(source, error, None)))
        for name in (RESULT_NAME, REPORT_NAME, FRAMES_NAME):
            (folder / name).unlink(missing_ok=True)
        raise
    (folder / ERROR_NAME).unlink(missing_ok=True)
    return document


def _measure(
    video: Path, source: VideoSource, model: ResolvedModel, interval: int, folder: Path, reporter: Reporter
) -> Document:
    started = time.perf_counter()
    classifier = Classifier.load(model.directory, model.digest)
    reporter.stage(f"Measuring {video.name}, in seconds of video", declared_samples(video, 1000))
    measurement = measure(video, classifier, interval, progress=_in_seconds(reporter))
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


def _in_seconds(reporter: Reporter) -> Progress:
    """Advances a reporter by whole seconds of video."""
    done = 0

    def advance(milliseconds: int) -> None:
        nonlocal done
        if milliseconds // 1000 > done:
            reporter.advance(milliseconds // 1000 - done)
            done = milliseconds // 1000

    return advance


def _address(video: Path, folder: Path) -> tuple[str, ...]:
    """Where the report finds the video, as long as neither is moved."""
    return (quote(Path(os.path.relpath(video.resolve(), folder.resolve())).as_posix()),)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
