"""The served form of a version that was registered without one: made of its Keras form, and put beside it."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from screen_time.manifest import DIGEST_TAG, SERVED_DIRECTORY, Fit, InputSpec, Manifest, Semantics
from screen_time.preprocessing import prepare
from screen_time.samples import Frame
from screen_time.video import Video
from training import registry, tracking
from training.agreement import Differences
from training.dataset import Frames
from training.environment import import_keras, no_warnings
from training.errors import ExportError
from training.evaluation import draft_manifest
from training.export import ServedForm, export
from training.labels import LabelScheme, nobody_of
from training.model_names import MODEL_NAME
from training.registry_client import registry_client
from training.reporting import Reporter, Silent

if TYPE_CHECKING:
    import keras
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Pictures = Callable[[], Iterable[Frame]]
"""Frames of any size to quantise with where no video of the version's own can be had."""

MOST_FRAMES = 384
"""How many frames are looked at, spread evenly over the videos."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which version, and what only its maker knows: what it was registered with is taken where nothing is said."""

    version: str
    classes: tuple[str, ...] = ()
    semantics: Semantics | None = None
    videos: tuple[Path, ...] = ()
    name: str = MODEL_NAME


@dataclass(frozen=True, slots=True)
class ExportedVersion:
    """The version that has the served form now: the one asked for, or a new one where MLflow takes nothing more."""

    name: str
    version: str
    digest: str
    form: str
    differences: Differences


def export_version(request: ExportRequest, pictures: Pictures, reporter: Reporter | None = None) -> ExportedVersion:
    """Make, check and store the served form of a registered Keras model.

    Frames to quantise with come from the request's videos, else from those that the version's run learned from and
    that are still there, else from `pictures`. Raises ExportError where the model cannot be served or its forms do not
    agree, PromotionError where there is no such version, RegistryError where MLflow does not answer.
    """
    reporter = reporter or Silent()
    with registry_client() as client:
        found = registry.find_version(client, request.name, request.version)
        reporter.stage("Loading the Keras form")
        model = _takes_bytes(_load(f"models:/{request.name}/{request.version}"), reporter)
        run = {} if not found.run_id else dict(client.get_run(found.run_id).data.params)
        spec = _input(model, run)
        reporter.stage("Reading frames to quantise with")
        frames = _frames(request.videos or _videos_of(client, found), pictures, spec, reporter)
        manifest = _manifest(model, request, {**run, **found.tags}, frames, spec)
        reporter.stage("Quantising and comparing the forms")
        with tempfile.TemporaryDirectory() as folder:
            served = export(model, manifest, frames, Path(folder))
            number = _store(client, found, model, served, frames[:1])
        if number is None:
            number = request.version
            client.set_model_version_tag(request.name, number, DIGEST_TAG, served.digest)
        else:
            reporter.note(
                f"MLflow takes no more files into version {request.version}: version {number} has both forms."
            )
    registry.resolve(f"models:/{request.name}/{number}")
    return ExportedVersion(request.name, number, served.digest, served.manifest.form, served.differences)


def _load(uri: str) -> "keras.Model":
    import_keras()
    import mlflow.keras

    try:
        with no_warnings():
            return mlflow.keras.load_model(uri, load_model_kwargs={"compile": False})
    except (ValueError, OSError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ExportError(f"{uri} cannot be loaded as a Keras model: {reason}") from error


def _takes_bytes(model: "keras.Model", reporter: Reporter) -> "keras.Model":
    """The model for uint8 frames [n, height, width, 3]; raises ExportError for models of anything else."""
    import keras

    inputs = list(model.inputs or ())
    shapes = [tuple(each.shape) for each in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3 or None in shapes[0][1:3]:
        raise ExportError("The model does not take RGB frames of one size [n, height, width, 3].")
    dtype = str(inputs[0].dtype)
    if dtype == "uint8":
        return model
    reporter.note(f"The model takes {dtype}: it gets pixels from 0 to 255, and must scale them itself.")
    frames = keras.Input(shapes[0][1:], dtype="uint8", name="frames")
    return keras.Model(frames, model(keras.ops.cast(frames, dtype)), name=model.name)


def _input(model: "keras.Model", run: dict[str, str]) -> InputSpec:
    """The model's own size; it is fitted as the run says (`224x224 squeeze`), else padded."""
    (shape,) = (tuple(each.shape) for each in model.inputs)
    height, width = shape[1:3]
    fit = run.get("input", "").rpartition(" ")[2]
    return InputSpec(int(height), int(width), Fit(fit) if fit in set(Fit) else Fit.PAD)


def _manifest(
    model: "keras.Model", request: ExportRequest, known: dict[str, str], frames: Frames, spec: InputSpec
) -> Manifest:
    """Labels and semantics as asked for, else as the version's tags and its run's parameters say."""
    said = tuple(name.strip() for name in known.get("labels", "").split(",") if name.strip())
    labels = request.classes or said
    if not labels:
        raise ExportError(
            "Nobody has said what the model's labels are: name them with --classes, in its outputs' order."
        )
    with no_warnings():
        answers = model.predict(frames[:8], verbose=0)
    rows = np.asarray(answers[0] if isinstance(answers, list | tuple) else answers)
    if rows.shape[1:] != (len(labels),) or not np.all((rows >= 0) & (rows <= 1)):
        raise ExportError(f"The model does not answer with one probability for each of {', '.join(labels)}.")
    given = request.semantics or known.get("semantics")
    adds_up = np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    semantics = Semantics(given) if given else Semantics.EXCLUSIVE if adds_up else Semantics.INDEPENDENT
    nobody = nobody_of(labels) if semantics is Semantics.EXCLUSIVE else None
    return draft_manifest(LabelScheme(labels, semantics, nobody), spec, known.get("head", "custom"))


def _videos_of(client: "MlflowClient", found: "ModelVersion") -> tuple[Path, ...]:
    """The videos that the version's run learned from, as far as they are on this machine."""
    if not found.run_id:
        return ()
    inputs = client.get_run(found.run_id).inputs
    sources = [json.loads(each.dataset.source) for each in (inputs.dataset_inputs if inputs else ())]
    paths = (Path(str(source.get("uri", ""))) for source in sources)
    return tuple(path for path in paths if path.is_file())


def _frames(videos: tuple[Path, ...], pictures: Pictures, spec: InputSpec, reporter: Reporter) -> Frames:
    if not videos:
        reporter.note("Quantised with frames of screen-time's own cartoon; --video takes your own, which is better.")
    images = _images(videos) if videos else pictures()
    kept: list[Frame] = []
    apart = 1
    for number, image in enumerate(images):
        if number % apart == 0:
            kept.append(prepare(image, spec))
            reporter.advance()
        if len(kept) > MOST_FRAMES:
            kept, apart = kept[::2], 2 * apart
    return np.stack(kept)


def _images(videos: tuple[Path, ...]) -> Iterator[Frame]:
    """A frame a second of each video."""
    for path in videos:
        with Video.open(path) as video:
            for sample in video.samples():
                yield sample.image


def _store(
    client: "MlflowClient", found: "ModelVersion", model: "keras.Model", served: ServedForm, example: Frames
) -> str | None:
    """Put the served form into the version's own artifacts, or register a new version and return its number."""
    from mlflow.exceptions import MlflowException

    try:
        if (source := str(found.source)).startswith("models:/m-"):
            client.log_model_artifacts(source.removeprefix("models:/"), str(served.directory), SERVED_DIRECTORY)
            return None
        if found.run_id and (path := _path_in_run(client, found)) is not None:
            client.log_artifacts(found.run_id, str(served.directory), f"{path}/{SERVED_DIRECTORY}".lstrip("/"))
            return None
    except (MlflowException, OSError):
        pass  # a store that takes nothing more; a new version it takes
    return _register(found, model, served, example)


def _path_in_run(client: "MlflowClient", found: "ModelVersion") -> str | None:
    """Where among its run's artifacts the version's files are; None where they are elsewhere."""
    root = str(client.get_run(str(found.run_id)).info.artifact_uri).rstrip("/")
    for prefix in (root, f"runs:/{found.run_id}"):
        if str(found.source).startswith(f"{prefix}/"):
            return str(found.source)[len(prefix) + 1 :].strip("/")
    return None


def _register(found: "ModelVersion", model: "keras.Model", served: ServedForm, example: Frames) -> str:
    import mlflow

    tags = {key: value for key, value in found.tags.items() if key != DIGEST_TAG}
    description = f"Both forms of version {found.version}. {served.differences.describe()}"
    if not found.run_id:
        with tracking.tracked_run():
            return tracking.register(model, served, example, tags, description, found.name).version
    with no_warnings(), mlflow.start_run(run_id=found.run_id):
        return tracking.register(model, served, example, tags, description, found.name).version
