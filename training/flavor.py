"""An MLflow flavor whose versions hold both forms: what mlflow.keras saves, and the served form beside it.

Given to `mlflow.models.Model.log(flavor=…)` as a module. `mlflow.keras.load_model` and `mlflow.pyfunc.load_model` load
the Keras form as ever; the function fetches only `openvino/`.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from screen_time.manifest import DIGEST_TAG, SERVED_DIRECTORY
from training.dataset import Frames
from training.export import ServedForm

if TYPE_CHECKING:
    import keras
    from mlflow.models import Model, ModelSignature

FLAVOR_NAME = "openvino"


def save_model(  # noqa: PLR0913
    path: str,
    mlflow_model: "Model",
    *,
    model: "keras.Model",
    served: ServedForm,
    signature: "ModelSignature",
    input_example: Frames,
    pip_requirements: list[str],
    validate_serving_input: bool = False,
) -> None:
    """Save `model` as mlflow.keras does, copy `served` beside it and name it in MLmodel.

    `validate_serving_input` is read by `Model.log` itself; the other options are mlflow.keras.save_model's.
    """
    import mlflow.keras

    del validate_serving_input
    # mlflow.keras writes the input example before it creates the directory it writes it to.
    Path(path).mkdir(parents=True, exist_ok=True)
    shutil.copytree(served.directory, Path(path) / SERVED_DIRECTORY)
    mlflow_model.add_flavor(
        FLAVOR_NAME,
        path=SERVED_DIRECTORY,
        form=served.manifest.form,
        files=dict(served.manifest.files),
        **{DIGEST_TAG: served.digest},
    )
    mlflow.keras.save_model(
        model,
        path,
        mlflow_model=mlflow_model,
        signature=signature,
        input_example=input_example,
        pip_requirements=pip_requirements,
    )
