"""What a training run leaves in MLflow: parameters, metrics, data, figures, code version, and a registered version."""

import io
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from screen_time.manifest import DIGEST_TAG, Manifest
from training import flavor
from training.dataset import Dataset, Frames
from training.environment import no_warnings
from training.evaluation import Scores
from training.export import ServedForm
from training.head import Epoch
from training.registry import VIDEO_DIGEST_TAG
from training.registry_client import mlflow_sentences

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from mlflow.models import ModelSignature

EXPERIMENT = "screen-time"
_REQUIREMENTS = ("keras", "tensorflow-cpu", "tensorflow", "numpy")
"""What loading the Keras form needs; of TensorFlow's two packages the one that is installed."""

_DIGEST_LENGTH = 36
"""MLflow keeps no longer digest of a dataset; the whole of it goes into the dataset's tags."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """Name, number and run of a version in the registry."""

    name: str
    version: str
    run_id: str


@contextmanager
def tracked_run(experiment: str = EXPERIMENT) -> Iterator[str]:
    """A run in MLflow, failed where its body fails; yields its id.

    Raises RegistryError where MLflow does not answer.
    """
    with mlflow_sentences():
        import mlflow

        mlflow.set_experiment(experiment)
        with no_warnings(), mlflow.start_run(tags=_code_tags()) as run:
            yield run.info.run_id


def log_data(dataset: Dataset) -> None:
    """Each labelled video as a dataset input: its digest, and a table of what its labels say."""
    import mlflow
    import pandas as pd  # type: ignore[import-untyped]
    from mlflow.data.pandas_dataset import from_pandas

    for index, source in enumerate(dataset.sources):
        rows = [row for row, example in enumerate(dataset.examples) if example.source == index]
        table = pd.DataFrame(dataset.targets[rows], columns=list(dataset.scheme.labels))
        table.insert(0, "second", [dataset.examples[row].time_ms / 1000 for row in rows])
        digest = source.video_sha256[:_DIGEST_LENGTH]
        data = from_pandas(table, source=str(source.video), name=source.video.name, digest=digest)
        tags = {VIDEO_DIGEST_TAG: source.video_sha256, "labels_sha256": source.labels_sha256}
        mlflow.log_input(data, context="training", tags={**tags, "labels": str(source.labels)})
        mlflow.log_artifact(str(source.labels), f"labels/{index}")


def log_parameters(parameters: Mapping[str, object]) -> None:
    """What the run was asked for and what it chose."""
    import mlflow

    mlflow.log_params(dict(parameters))


def log_scores(split: str, scores: Scores) -> None:
    """The split's figures as `split/metric`."""
    import mlflow

    mlflow.log_metrics({_metric_name(f"{split}/{name}"): value for name, value in scores.metrics().items()})


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Other figures, as they are named."""
    import mlflow

    mlflow.log_metrics({_metric_name(name): value for name, value in metrics.items()}, step=step)


def log_epochs(epochs: Sequence[Epoch]) -> None:
    """Each epoch's metrics, in one request a hundred epochs."""
    import time

    import mlflow
    from mlflow.entities import Metric

    run = mlflow.active_run()
    now = int(time.time() * 1000)
    if run is not None and epochs:
        metrics = [
            Metric(f"epoch/{name}", value, now, step)
            for step, epoch in enumerate(epochs, start=1)
            for name, value in epoch.items()
        ]
        for start in range(0, len(metrics), 1000):
            mlflow.MlflowClient().log_batch(run.info.run_id, metrics[start : start + 1000])


def log_figure(figure: "Figure", name: str) -> None:
    """A figure as a PNG among the run's artifacts."""
    import mlflow

    mlflow.log_figure(figure, f"figures/{name}.png")


def register(
    model: "keras.Model", served: ServedForm, example: Frames, tags: Mapping[str, str], description: str, name: str
) -> RegisteredVersion:
    """Log both forms in one version's directory and register it, described and tagged."""
    import mlflow
    from mlflow.models import Model

    # MLflow announces the version on stderr by itself.
    with no_warnings(), redirect_stderr(io.StringIO()):
        logged = Model.log(
            artifact_path=None,
            name=name,
            flavor=flavor,
            registered_model_name=name,
            tags={**tags, DIGEST_TAG: served.digest},
            model=model,
            served=served,
            signature=_signature(served.manifest),
            input_example=example,
            pip_requirements=_requirements(),
            validate_serving_input=False,
        )
    number = str(logged.registered_model_version)
    mlflow.MlflowClient().update_model_version(name, number, description)
    return RegisteredVersion(name, number, logged.run_id)


def _signature(manifest: Manifest) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    frames = TensorSpec(np.dtype(np.uint8), (-1, manifest.input.height, manifest.input.width, 3))
    probabilities = TensorSpec(np.dtype(np.float32), (-1, len(manifest.labels)))
    return ModelSignature(inputs=Schema([frames]), outputs=Schema([probabilities]))


def _requirements() -> list[str]:
    found = []
    for package in _REQUIREMENTS:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _code_tags() -> dict[str, str]:
    """Version of this package, and its commit where it runs from a checkout of its own."""
    tags = {"screen_time_version": version("screen-time")}
    commit = _git("rev-parse", "HEAD")
    if commit and _git("ls-files", Path(__file__).name):
        tags["mlflow.source.git.commit"] = commit
        tags["git_uncommitted_changes"] = str(bool(_git("status", "--porcelain", "--untracked-files=no"))).lower()
    return tags


def _git(*arguments: str) -> str:
    try:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _metric_name(name: str) -> str:
    return re.sub(r"[^\w.\-/ ]", "_", name)
