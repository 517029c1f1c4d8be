"""The demo: train, promote, drop a video, read its screen time, promote another model, roll back."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.episodes import FRAME_RATE, Episode, write_episode
from demo.executions import LONG, ExecutionError, segments_of
from demo.labels import NEITHER, class_names
from infra.local.mlflow_server import RegistryStore
from infra.local.stack import LocalStack, StackOptions
from screen_time.documents import ERROR_NAME, FRAMES_NAME, RESULT_NAME
from screen_time.errors import ScreenTimeError
from training.dataset import LabelledVideo
from training.labels import read_label_file
from training.registry import promote, rollback
from training.reporting import Reporter
from training.train import TrainedVersion, TrainingOptions, train

RESULT_SECONDS = 600.0
"""How long a dropped video may take before the demo gives up."""

FOLLOWING_SECONDS = 6.0
"""The running function asks for the alias at most every five seconds (REGISTRY_REFRESH_SECONDS in the template)."""

PREFIX = "incoming"
TRACKING_URI = "MLFLOW_TRACKING_URI"

Result = dict[str, Any]


class DemoError(ScreenTimeError):
    """The demo could not go on."""


@dataclass(frozen=True, slots=True)
class OwnVideo:
    """A labelled video of the user's, in place of the drawn cartoon."""

    video: Path
    labels: Path
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """A video to drop, under which name, and the true seconds of each label."""

    video: Path
    name: str
    true_seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Material:
    """What the demo is made of: videos to learn from, first and later, and videos to drop, in order."""

    first: LabelledVideo
    later: tuple[LabelledVideo, ...]
    classes: tuple[str, ...]
    drops: tuple[Drop, Drop, Drop]


@dataclass(frozen=True, slots=True)
class Measured:
    """One dropped video: what the function wrote, where it lies, and its copy on disk."""

    drop: Drop
    result: Result
    address: str
    copy: Path

    @property
    def version(self) -> str:
        """The model version that measured it."""
        return str(self.result["model"]["version"])

    @property
    def seconds(self) -> dict[str, float]:
        """Measured seconds of each label of the model."""
        result = self.result
        found = {name: float(character["seconds"]) for name, character in result["characters"].items()}
        for label in result["model"]["labels"]:
            if label not in found:
                found[label] = float(result["nobody"]["seconds"])
        return found


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What happened: the first video, the one after another version was promoted, the one after the rollback."""

    first: Measured
    promoted: Measured
    rolled_back: Measured


def run_demo(
    root: Path, directory: Path, own: OwnVideo | None, reporter: Reporter, *, long: bool = False
) -> DemoReport:
    """Run the whole demo for the project in `root`; everything it makes lies in `directory`, which is made anew.

    With `long`, the videos count as long ones: the state machine shares each of them among several workers. Raises
    ScreenTimeError where a step fails.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with ThreadPoolExecutor(1) as drawing, _tracking_uri(None):
        material = drawing.submit(_material, directory, own)
        reporter.stage("Starting the local stack: AWS, the function, MLflow")
        store = RegistryStore((directory / "registry").resolve())
        options = StackOptions(root=root, store=store, parameters=LONG if long else {})
        with LocalStack(options) as stack, _tracking_uri(stack.registry_uri):
            report = _act(stack, _drawn(material, own, reporter), directory, reporter)
            if long:
                _tell_of_segments(stack, report, reporter)
            return report


def _tell_of_segments(stack: LocalStack, report: DemoReport, reporter: Reporter) -> None:
    try:
        for measured in (report.first, report.promoted, report.rolled_back):
            segments = segments_of(stack, f"{PREFIX}/{measured.drop.name}")
            reporter.note(f"{measured.drop.name} was measured in {segments} segments, by one execution.")
    except ExecutionError as error:
        raise DemoError(str(error)) from error


def _act(stack: LocalStack, material: Material, directory: Path, reporter: Reporter) -> DemoReport:
    first = _train((material.first,), material, reporter, seed=0)
    promote(first.version)
    reporter.note(f"Version {first.version} is champion.")
    measured = _measure(stack, material.drops[0], directory, reporter)
    second = _train((material.first, *material.later), material, reporter, seed=1)
    promote(second.version)
    reporter.note(f"Version {second.version} is champion; the function was not restarted.")
    promoted = _measure(stack, material.drops[1], directory, reporter, served_by=second.version)
    move = rollback()
    reporter.note(f"Rolled back: version {move.after} is champion again.")
    time.sleep(FOLLOWING_SECONDS)
    rolled_back = _measure(stack, material.drops[2], directory, reporter, served_by=first.version)
    return DemoReport(measured, promoted, rolled_back)


def _train(videos: tuple[LabelledVideo, ...], material: Material, reporter: Reporter, seed: int) -> TrainedVersion:
    # Without the article's head beside it: fitting that takes longer than the whole demo.
    return train(TrainingOptions(videos=videos, classes=material.classes, seed=seed, baseline=False), reporter)


def _measure(
    stack: LocalStack, drop: Drop, directory: Path, reporter: Reporter, served_by: str | None = None
) -> Measured:
    """Drop a video into the bucket and wait for its result; raises DemoError for another version or no result."""
    reporter.stage(f"Measuring {drop.name}, dropped into the bucket")
    s3 = stack.client("s3")
    key = f"{PREFIX}/{drop.name}"
    s3.upload_file(str(drop.video), stack.outputs["VideosBucketName"], key)
    results = stack.outputs["ResultsBucketName"]
    copy = directory / "results" / key
    copy.mkdir(parents=True)
    _wait_for(s3, results, f"{key}/{RESULT_NAME}", f"{key}/{ERROR_NAME}")
    for name in (RESULT_NAME, FRAMES_NAME):
        s3.download_file(results, f"{key}/{name}", str(copy / name))
    result: Result = json.loads((copy / RESULT_NAME).read_text())
    measured = Measured(drop, result, f"s3://{results}/{key}/{RESULT_NAME}", copy / RESULT_NAME)
    if served_by is not None and measured.version != served_by:
        raise DemoError(f"{drop.name} was measured by version {measured.version}, not by version {served_by}.")
    return measured


def _wait_for(s3: Any, bucket: str, result: str, error: str) -> None:  # noqa: ANN401 (a boto3 client)
    end = time.monotonic() + RESULT_SECONDS
    while time.monotonic() < end:
        found = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}
        if result in found:
            return
        if error in found:
            reason = json.loads(s3.get_object(Bucket=bucket, Key=error)["Body"].read())["error"]["message"]
            raise DemoError(f"The function refused the video: {reason}")
        time.sleep(0.1)
    raise DemoError(f"There is no result after {RESULT_SECONDS:.0f} seconds.")


def _drawn(material: "Future[Material]", own: OwnVideo | None, reporter: Reporter) -> Material:
    if own is None:
        reporter.stage("Drawing the cartoon")
    return material.result()


def _material(directory: Path, own: OwnVideo | None) -> Material:
    if own is not None:
        return _own_material(own)
    first, second = write_episode(directory / "episodes", 1), write_episode(directory / "episodes", 2)
    encore = write_episode(directory / "episodes" / "encore", 2, seconds=20, seed=3)
    return Material(
        first=LabelledVideo(first.video, first.labels),
        later=(LabelledVideo(second.video, second.labels),),
        classes=class_names(first.script),
        drops=(_drop(second, "episode-2.mp4"), _drop(encore, "encore.mp4"), _drop(encore, "encore-again.mp4")),
    )


def _own_material(own: OwnVideo) -> Material:
    """The same video is learned from and dropped: this tries the path, not the model."""
    names = (f"{own.video.stem}{ending}{own.video.suffix}" for ending in ("", "-again", "-once-more"))
    true = labelled_seconds(own.labels, own.classes)
    first, second, third = (Drop(own.video, name, true) for name in names)
    return Material(LabelledVideo(own.video, own.labels), (), own.classes, (first, second, third))


def _drop(episode: Episode, name: str) -> Drop:
    """The truth is the script's, to the frame; the demo shows one character at a time."""
    cast = episode.script.seconds_on_screen(FRAME_RATE)
    return Drop(episode.video, name, {NEITHER: episode.script.seconds - sum(cast.values()), **cast})


def labelled_seconds(labels: Path, classes: tuple[str, ...]) -> dict[str, float]:
    """Seconds of each class by a label file, each labelled frame standing for its second."""
    file = read_label_file(labels, classes)
    return {name: float(sum(name in time.labels for time in file.times)) for name in file.classes}


@contextmanager
def _tracking_uri(uri: str | None) -> Iterator[None]:
    """Let MLflow's client use `uri` (None: nothing but its own default), whatever the user's environment says."""
    before = os.environ.pop(TRACKING_URI, None)
    if uri is not None:
        os.environ[TRACKING_URI] = uri
    try:
        yield
    finally:
        os.environ.pop(TRACKING_URI, None)
        if before is not None:
            os.environ[TRACKING_URI] = before
