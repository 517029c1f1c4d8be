"""Promotion and rollback against a real MLflow store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from screen_time.errors import ModelError, RegistryError
from screen_time.manifest import DIGEST_TAG, SERVED_DIRECTORY
from tests.registered_models import ModelRegistry
from training.errors import PromotionError
from training.model_names import ALIAS, MODEL_NAME
from training.registry import promote, resolve, rollback


@pytest.fixture(scope="module")
def registry(store: Path) -> ModelRegistry:
    """The store, and how to register small models in it."""
    return ModelRegistry(f"sqlite:///{store / 'mlflow.db'}", store)


@pytest.fixture
def versions(registry: ModelRegistry) -> list[str]:
    """Three new versions, and no champion yet."""
    from contextlib import suppress

    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):  # the first test has nothing to delete
        MlflowClient(registry.uri).delete_registered_model(MODEL_NAME)
    return [registry.register() for _ in range(3)]


def champion(registry: ModelRegistry) -> str:
    """The version that the alias names."""
    from mlflow import MlflowClient

    return str(MlflowClient(registry.uri).get_model_version_by_alias(MODEL_NAME, ALIAS).version)


def test_promotion_moves_the_alias(registry: ModelRegistry, versions: list[str]) -> None:
    """And says from where."""
    assert promote(versions[0]).before is None
    move = promote(versions[1])
    assert (move.before, move.after) == (versions[0], versions[1])
    assert champion(registry) == versions[1]


def test_rollback_goes_back_step_by_step(registry: ModelRegistry, versions: list[str]) -> None:
    """As often as there was a champion before."""
    for version in versions:
        promote(version)
    assert rollback().after == versions[1]
    assert rollback().after == versions[0]
    with pytest.raises(PromotionError, match="No version was champion before version"):
        rollback()
    assert champion(registry) == versions[0]


def test_promoting_the_champion_again_is_no_step(versions: list[str]) -> None:
    """Otherwise the next rollback would go nowhere."""
    for version in (versions[0], versions[1], versions[1]):
        promote(version)
    assert rollback().after == versions[0]


def test_promotion_after_a_rollback_remembers_where_it_came_from(versions: list[str]) -> None:
    """1, 2, back to 1, then 3: the version before 3 is 1."""
    promote(versions[0])
    promote(versions[1])
    rollback()
    promote(versions[2])
    assert rollback().after == versions[0]


def test_an_alias_moved_by_hand_is_rolled_back_to_the_champion_before(
    registry: ModelRegistry, versions: list[str]
) -> None:
    """Somebody used MLflow's own pages."""
    promote(versions[0])
    promote(versions[1])
    registry.move(ALIAS, versions[2])
    assert rollback().after == versions[1]
    assert rollback().after == versions[0]


def test_a_deleted_version_is_passed_over(registry: ModelRegistry, versions: list[str]) -> None:
    """The rollback goes to the one before it."""
    from mlflow import MlflowClient

    for version in versions:
        promote(version)
    MlflowClient(registry.uri).delete_model_version(MODEL_NAME, versions[1])
    assert rollback().after == versions[0]


def test_a_missing_version_is_refused(versions: list[str]) -> None:
    """In one sentence."""
    promote(versions[0])
    with pytest.raises(PromotionError, match="no version 99"):
        promote("99")


def test_a_version_that_is_no_number_is_refused(versions: list[str]) -> None:
    """`latest` is not a version."""
    assert versions
    with pytest.raises(PromotionError, match="no version latest"):
        promote("latest")


def test_a_version_without_a_served_form_is_refused(registry: ModelRegistry, versions: list[str]) -> None:
    """The function could not serve it; the alias stays."""
    from mlflow import MlflowClient

    promote(versions[0])
    MlflowClient(registry.uri).delete_model_version_tag(MODEL_NAME, versions[1], DIGEST_TAG)
    with pytest.raises(PromotionError, match="has no served form"):
        promote(versions[1])
    assert champion(registry) == versions[0]


def test_a_version_whose_files_were_changed_is_refused(
    registry: ModelRegistry, versions: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's artifacts can be overwritten; the digest tells."""
    from mlflow import MlflowClient

    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path))  # colour models are equal: an empty cache
    promote(versions[0])
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path / "other"))
    source = MlflowClient(registry.uri).get_model_version(MODEL_NAME, versions[1]).source
    binary = Path(str(source).removeprefix("file://")) / SERVED_DIRECTORY / "model.bin"
    binary.write_bytes(binary.read_bytes() + b"\0")
    with pytest.raises(PromotionError, match=r"model.bin differs from its digest"):
        promote(versions[1])
    assert champion(registry) == versions[0]


def test_a_damaged_cache_is_fetched_anew(versions: list[str]) -> None:
    """A full disk must not break evaluation for ever."""
    first = resolve(f"models:/{MODEL_NAME}/{versions[0]}")
    (first.directory / "model.bin").write_bytes(b"")
    again = resolve(f"models:/{MODEL_NAME}/{versions[0]}")
    assert again.digest == first.digest
    assert (again.directory / "model.bin").stat().st_size > 0


@pytest.mark.parametrize(
    "uri",
    ["models:/nobody@champion", f"models:/{MODEL_NAME}@nothing", f"models:/{MODEL_NAME}/77", "models:/", "nonsense"],
)
def test_a_model_that_is_not_there_is_one_sentence(versions: list[str], uri: str) -> None:
    """Whatever is wrong with its address."""
    assert versions
    with pytest.raises((RegistryError, ModelError)) as caught:
        resolve(uri)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", [lambda: promote("1"), rollback, resolve])
def test_where_nothing_was_trained_yet_the_remedy_is_named_and_nothing_is_made(
    command: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty registry would only be in the way."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(RegistryError, match=r"no model registry at .*screen-time train"):
        command()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_registry_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first command that was killed while MLflow was still making its tables leaves one, too."""
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    with pytest.raises(RegistryError, match=r"damaged .*delete it and train again") as caught:
        rollback()
    assert "\n" not in str(caught.value)
