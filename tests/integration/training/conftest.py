"""VGG16's real weights, and an empty MLflow store of one's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.environment import cache_directory, set_defaults
from training.errors import WeightsError
from training.weights import PATH_VARIABLE, Tensors, load_weights


@pytest.fixture(scope="session")
def vgg16() -> Tensors:
    """The weights; a machine without them and without a network must say so by SCREEN_TIME_OFFLINE=1."""
    try:
        return load_weights()
    except WeightsError:
        if os.environ.get("SCREEN_TIME_OFFLINE") == "1":
            pytest.skip("SCREEN_TIME_OFFLINE=1, and VGG16's weights are not cached")
        raise


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """MLflow's default kind of store, in an empty working directory, and an empty cache."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        set_defaults()
        if PATH_VARIABLE not in os.environ:
            patch.setenv(PATH_VARIABLE, str(cache_directory("weights") / "vgg16-notop.f32"))
        patch.setenv("SCREEN_TIME_CACHE", str(folder / "cache"))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.chdir(folder)
        yield folder
