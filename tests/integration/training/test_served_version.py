"""`screen-time export`: Keras models that somebody registered by hand, in a real MLflow store."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from cli.exporting import cartoon_frames
from cli.main import app
from screen_time.classifier import Classifier
from screen_time.errors import ModelError
from screen_time.manifest import DIGEST_TAG, SERVED_DIRECTORY, Semantics
from training.environment import import_keras
from training.errors import ExportError, PromotionError
from training.registry import resolve
from training.served_version import ExportRequest, export_version

NAME = "screen-time"
LABELS = ("neither", "left", "right")


def keras_model(activation: str, dtype: str) -> Any:
    """One convolution, and a decided answer by the frame's colours."""
    import_keras()
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    frames = keras.Input((32, 48, 3), dtype=dtype)
    hidden = layers.Rescaling(1 / 127.5, offset=-1.0)(frames)
    hidden = layers.Conv2D(32, 3, padding="same", activation="relu")(hidden)
    pooled = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(frames, layers.Dense(3, activation=activation)(pooled))


def register_by_hand(model: Any) -> str:
    """As MLflow's own tutorial has it; returns the version."""
    import mlflow
    import mlflow.keras
    from mlflow import MlflowClient

    with mlflow.start_run():
        mlflow.keras.log_model(model, name="model", registered_model_name=NAME, pip_requirements=["keras"])
    return str(max(int(each.version) for each in MlflowClient().search_model_versions(f"name='{NAME}'")))


@pytest.fixture(scope="module")
def softmax(store: Path) -> Any:
    """A model of uint8 frames with exclusive labels."""
    assert store.is_dir()
    return keras_model("softmax", "uint8")


@pytest.fixture(scope="module")
def version(softmax: Any) -> str:
    return register_by_hand(softmax)


def some_frames() -> list[NDArray[np.uint8]]:
    """Forty frames of the cartoon."""
    return [picture for index, picture in enumerate(cartoon_frames()) if index % 4 == 0][:40]


def test_a_version_registered_by_hand_gets_its_served_form(version: str, softmax: Any) -> None:
    """In the same version, with its digest; before, it could not be fetched."""
    with pytest.raises(ModelError, match="no served form"):
        resolve(f"models:/{NAME}/{version}")
    made = export_version(ExportRequest(version, LABELS), some_frames)
    assert (made.version, made.form) == (version, "openvino-int8")
    served = resolve(f"models:/{NAME}/{version}")
    assert served.digest == made.digest
    classifier = Classifier.load(served.directory, served.digest)
    assert classifier.manifest.labels == LABELS
    assert classifier.manifest.semantics is Semantics.EXCLUSIVE
    assert classifier.manifest.nobody == "neither"
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), dtype=np.uint8)
    assert np.abs(classifier.probabilities(frames) - softmax.predict(frames, verbose=0)).mean() <= 0.015


def test_a_model_of_floating_point_pixels_is_wrapped(store: Path) -> None:
    """Keras's default input; its sigmoids do not add up to 1, so that labels are independent."""
    assert store.is_dir()
    version = register_by_hand(keras_model("sigmoid", "float32"))
    export_version(ExportRequest(version, ("left", "right", "both")), some_frames)
    manifest = Classifier.load(resolve(f"models:/{NAME}/{version}").directory).manifest
    assert manifest.semantics is Semantics.INDEPENDENT
    assert manifest.thresholds == (0.5, 0.5, 0.5)


def test_a_lost_tag_is_set_again(version: str) -> None:
    """What the tags and the run say need not be said again; here it must."""
    from mlflow import MlflowClient

    export_version(ExportRequest(version, LABELS), some_frames)
    MlflowClient().delete_model_version_tag(NAME, version, DIGEST_TAG)
    made = export_version(ExportRequest(version, LABELS), some_frames)
    assert MlflowClient().get_model_version(NAME, version).tags[DIGEST_TAG] == made.digest


def test_where_files_can_no_longer_be_added_a_new_version_has_both_forms(
    softmax: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the same run; the old version stays as it is."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    log = MlflowClient.log_model_artifacts

    def refuse(client: MlflowClient, model: str, directory: str, path: str | None = None) -> None:
        if path == SERVED_DIRECTORY:
            raise MlflowException("read-only")
        log(client, model, directory, path)

    old = register_by_hand(softmax)
    monkeypatch.setattr(MlflowClient, "log_model_artifacts", refuse)
    made = export_version(ExportRequest(old, LABELS), some_frames)
    assert int(made.version) == int(old) + 1
    versions = [MlflowClient().get_model_version(NAME, each) for each in (old, made.version)]
    assert versions[0].run_id == versions[1].run_id
    assert DIGEST_TAG not in versions[0].tags
    assert resolve(f"models:/{NAME}/{made.version}").digest == made.digest


def test_labels_that_nobody_named_are_asked_for(version: str) -> None:
    """And as many as there are outputs."""
    with pytest.raises(ExportError, match="--classes"):
        export_version(ExportRequest(version), some_frames)
    with pytest.raises(ExportError, match="one probability for each of tom, jerry"):
        export_version(ExportRequest(version, ("tom", "jerry")), some_frames)


def test_a_version_that_is_not_there_is_one_sentence(version: str) -> None:
    with pytest.raises(PromotionError, match="no version 99"):
        export_version(ExportRequest("99", LABELS), some_frames)


def test_the_command_says_what_it_made(version: str) -> None:
    """Without a video, with frames of the cartoon."""
    answer = CliRunner().invoke(app, ["export", version, "--classes", ",".join(LABELS)])
    assert answer.exit_code == 0, answer.output
    assert f"Version {version} of screen-time can be served (openvino-int8)" in answer.output
    assert CliRunner().invoke(app, ["export", version, "--semantics", "vague"]).exit_code == 2
