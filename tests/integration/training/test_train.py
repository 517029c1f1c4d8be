"""A real training, small: real VGG16, a real MLflow store, and every form of what it registers loaded back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import Classifier
from screen_time.errors import RegistryError
from screen_time.manifest import DIGEST_TAG, SERVED_DIRECTORY, Semantics
from screen_time.preprocessing import prepare
from training import head_classic
from training.dataset import LabelledVideo
from training.evaluate import evaluate
from training.registry import resolve
from training.train import TrainedVersion, TrainingOptions, train
from training.weights import Tensors

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECONDS = 27


def picture(second: int) -> NDArray[np.uint8]:
    """A circle, a square or neither, five seconds each in turn, on a background that moves."""
    image = np.full((90, 160, 3), (60, 120 + second, 160), dtype=np.uint8)
    x = 30 + 11 * second % 100
    if kind(second) == 1:
        cv2.circle(image, (x, 45), 25, (30, 60, 220), -1)
    if kind(second) == 2:
        cv2.rectangle(image, (x - 20, 20), (x + 20, 70), (30, 200, 40), -1)
    return image


def kind(second: int) -> int:
    """0 neither, 1 circle, 2 square."""
    return second // 3 % 3


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledVideo:
    """A folder of frames and its label file."""
    folder = tmp_path_factory.mktemp("shapes")
    for second in range(SECONDS):
        cv2.imwrite(str(folder / f"frame{second}.png"), picture(second))
    labels = folder / "labels.csv"
    labels.write_text("Image_ID,Class\n" + "".join(f"frame{s}.png,{kind(s)}\n" for s in range(SECONDS)))
    return LabelledVideo(folder, labels)


@pytest.fixture(scope="module")
def options(labelled: LabelledVideo) -> TrainingOptions:
    """What all trainings here are asked for."""
    return TrainingOptions((labelled,), classes=("neither", "circle", "square"), promote=True)


@pytest.fixture(scope="module")
def version(store: Path, vgg16: Tensors, options: TrainingOptions) -> Iterator[TrainedVersion]:
    """The version that one training registers and promotes; the baseline beside it is fitted for a few epochs."""
    assert vgg16
    assert store.is_dir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head_classic, "EPOCHS", 3)
        yield train(options)


@pytest.fixture(scope="module")
def frames(labelled: LabelledVideo, version: TrainedVersion) -> NDArray[np.uint8]:
    """A frame of each kind, as the model takes it."""
    spec = resolve(f"models:/screen-time/{version.version}")
    manifest = Classifier.load(spec.directory).manifest
    images = [cv2.imread(str(labelled.video / f"frame{second}.png")) for second in (0, 3, 6)]
    return np.stack([prepare(np.asarray(image, dtype=np.uint8)[:, :, ::-1], manifest.input) for image in images])


@pytest.fixture(scope="module")
def served(version: TrainedVersion, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the served form answers to them."""
    model = resolve(f"models:/screen-time/{version.version}")
    return Classifier.load(model.directory, model.digest).probabilities(frames)


def test_the_served_form_answers_right(served: NDArray[np.float32], version: TrainedVersion) -> None:
    """Neither, circle, square: it was trained on these frames."""
    assert version.labels == ("neither", "circle", "square")
    assert served.argmax(axis=1).tolist() == [0, 1, 2]


def test_mlflow_keras_loads_the_reference(
    version: TrainedVersion, frames: NDArray[np.uint8], served: NDArray[np.float32]
) -> None:
    """Both forms answer alike; machines that compute in bfloat16 by themselves differ in the third decimal."""
    import mlflow.keras

    model = mlflow.keras.load_model(f"models:/screen-time/{version.version}")
    assert np.allclose(model.predict(frames, verbose=0), served, atol=0.05)


def test_mlflow_pyfunc_loads_it_too(version: TrainedVersion, frames: NDArray[np.uint8]) -> None:
    """By the alias, with the signature enforced: floats are no frames."""
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    model = mlflow.pyfunc.load_model("models:/screen-time@champion")
    assert np.asarray(model.predict(frames)).argmax(axis=1).tolist() == [0, 1, 2]
    assert model.metadata.run_id == version.run_id
    with pytest.raises(MlflowException):
        model.predict(frames.astype(np.float32))


def test_the_version_says_what_it_is(version: TrainedVersion) -> None:
    """Description, tags, and the digest that the function checks."""
    from mlflow import MlflowClient

    registered = MlflowClient().get_model_version("screen-time", version.version)
    assert registered.tags[DIGEST_TAG] == version.digest
    assert registered.tags["head"] == "joint"
    assert float(registered.tags["accuracy_grouped"]) == pytest.approx(version.scores["grouped"].accuracy, abs=1e-4)
    description = str(registered.description)
    assert "| accuracy |" in description
    assert "openvino-int8" in description


def test_the_run_holds_all_that_was_learned_from_and_measured(version: TrainedVersion, labelled: LabelledVideo) -> None:
    """Parameters, metrics of both splits, data with digests, figures, and the label file itself."""
    from mlflow import MlflowClient

    client = MlflowClient()
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "0"
    assert {"random/accuracy", "grouped/accuracy", "grouped/circle_f1", "served/difference_full_precision"} <= set(
        run.data.metrics
    )
    assert run.data.metrics["served/difference_full_precision"] <= 1e-3
    assert run.inputs is not None
    (data,) = run.inputs.dataset_inputs
    tags = {tag.key: tag.value for tag in data.tags}
    assert data.dataset.name == labelled.video.name
    assert tags["video_sha256"].startswith(data.dataset.digest)
    figures = {artifact.path for artifact in client.list_artifacts(version.run_id, "figures")}
    assert figures == {
        f"figures/{name}.png"
        for name in ("confusion_random", "confusion_grouped", "learning_curve", "reliability", "worst_mistakes")
    }
    # How sure it is, each candidate it was chosen from, and the article's head on the same splits.
    assert {"grouped/ece", "grouped/brier", "grouped/accuracy_low", "grouped/accuracy_high"} <= set(run.data.metrics)
    assert {f"candidate_{name}/macro_f1" for name in ("joint", "pooled", "places")} <= set(run.data.metrics)
    assert {"classic_random/accuracy", "classic_grouped/accuracy"} <= set(run.data.metrics)
    assert version.intervals["accuracy"][0] <= version.scores["grouped"].accuracy <= version.intervals["accuracy"][1]
    assert set(version.baseline) == {"random", "grouped"}


def test_evaluating_on_the_training_video_finds_what_was_learned(
    version: TrainedVersion, labelled: LabelledVideo
) -> None:
    """By the alias, through the served form: the document of `screen-time evaluate --json`."""
    document = evaluate(labelled).to_json()
    assert document["model"]["version"] == version.version
    assert document["frames"] == SECONDS
    assert document["duration_seconds"] == SECONDS
    assert document["accuracy"] > 0.95
    assert document["seconds"]["true"] == {"neither": 9.0, "circle": 9.0, "square": 9.0}
    assert document["per_class"]["circle"]["support"] == 9


def test_a_model_can_be_named_in_every_way(version: TrainedVersion, store: Path) -> None:
    """Alias, version, run, logged model, and its directory: the same served form."""
    from mlflow import MlflowClient

    run = MlflowClient().get_run(version.run_id)
    assert run.outputs is not None
    (logged,) = run.outputs.model_outputs
    (directory,) = store.glob(f"mlruns/*/models/{logged.model_id}/artifacts")
    uris = [
        "models:/screen-time@champion",
        f"models:/screen-time/{version.version}",
        f"models:/{logged.model_id}",
        f"runs:/{version.run_id}/screen-time",
        str(directory),
        str(directory / SERVED_DIRECTORY),
    ]
    assert {resolve(uri).digest for uri in uris} == {version.digest}
    assert resolve(uris[0]).alias == "champion"


def test_the_same_seed_gives_the_same_model(options: TrainingOptions, version: TrainedVersion) -> None:
    """To the byte, and another version all the same."""
    again = train(options)
    assert again.digest == version.digest
    assert again.version != version.version


def test_characters_in_one_frame_train_independent_labels(labelled: LabelledVideo, version: TrainedVersion) -> None:
    """From one 0/1 column a character: one sigmoid each, thresholds in the manifest."""
    assert version
    labels = labelled.labels.with_name("presence.csv")
    rows = "".join(f"frame{s}.png,{int(kind(s) == 1)},{int(kind(s) == 2)}\n" for s in range(SECONDS))
    labels.write_text("Image_ID,circle,square\n" + rows)
    pair = LabelledVideo(labelled.video, labels)
    trained = train(TrainingOptions((pair,), baseline=False))
    evaluation = evaluate(pair, f"models:/screen-time/{trained.version}")
    assert evaluation.manifest.semantics is Semantics.INDEPENDENT
    assert all(0 < threshold < 1 for threshold in evaluation.manifest.thresholds)
    assert evaluation.scores.accuracy > 0.95


@pytest.fixture
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A tracking server that is down."""
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    yield
    mlflow.set_tracking_uri(before)


@pytest.mark.timeout(30)
@pytest.mark.usefixtures("nobody_listens")
def test_a_server_that_is_down_is_said_at_once(options: TrainingOptions) -> None:
    """Before anything is computed, and not after MLflow's four minutes."""
    with pytest.raises(RegistryError, match=r"http://127.0.0.1:9"):
        train(options)
