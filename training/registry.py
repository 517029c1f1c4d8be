"""The model registry: which version is champion, moving that alias forth and back, fetching a version's served form."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from screen_time.classifier import verified_manifest
from screen_time.errors import ModelError
from screen_time.manifest import DIGEST_TAG, MANIFEST_NAME, SERVED_DIRECTORY
from training.dataset import file_sha256
from training.environment import cache_directory
from training.errors import PromotionError
from training.model_names import ALIAS, DEFAULT_MODEL, MODEL_NAME
from training.registry_client import first_line, registry_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

HISTORY_TAG = "champion_history"
"""Tag of the registered model: the versions that were champion, the oldest first, as far as they are remembered."""

HISTORY_LENGTH = 100

VIDEO_DIGEST_TAG = "video_sha256"
"""Tag of a run's dataset: the video that it was made of."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model's served form on this machine, verified. What a plain path or a run's model cannot tell is None."""

    directory: Path
    digest: str
    uri: str
    name: str | None = None
    version: str | None = None
    alias: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class AliasMove:
    """The alias pointed to version `before` (None: to none) and points to `after` now."""

    before: str | None
    after: str


def promote(version: str, name: str = MODEL_NAME, alias: str = ALIAS) -> AliasMove:
    """Point the alias at `version`, once its served form was fetched and verified.

    Raises PromotionError where the version is missing or cannot be served, RegistryError where the registry does not
    answer; the alias then stays where it is.
    """
    with registry_client() as client:
        _check_servable(client, name, version)
        before = _aliased(client, name, alias)
        if before != version:
            client.set_registered_model_alias(name, alias, version)
            _remember(client, name, [*_history(client, name, before), version])
        return AliasMove(before, version)


def rollback(name: str = MODEL_NAME, alias: str = ALIAS) -> AliasMove:
    """Move the alias back to the version that was champion before; repeated, further back.

    Versions that were deleted since, or can no longer be served, are passed over. Raises PromotionError where there is
    none to go back to.
    """
    with registry_client() as client:
        before = _aliased(client, name, alias)
        history = _history(client, name, before)
        if before is not None:
            history.pop()
        while history:
            if history[-1] != before and _servable(client, name, history[-1]):
                client.set_registered_model_alias(name, alias, history[-1])
                _remember(client, name, history)
                return AliasMove(before, history[-1])
            history.pop()
    raise PromotionError(f"No version was {alias} before {'version ' + before if before else 'now'}; the alias stays.")


def resolve(uri: str = DEFAULT_MODEL) -> ResolvedModel:
    """Fetch the served form of any MLflow model URI, or of a local model directory, and verify it.

    It is kept in the cache under its digest. Raises RegistryError where the registry does not answer or has no such
    model, ModelError where the model has no served form or its files differ from their digests.
    """
    local = Path(uri.removeprefix("file://"))
    if local.is_dir():
        return _verified(local, uri)
    with registry_client() as client:
        version = _version_of(client, uri)
        if version is None:
            return ResolvedModel(*_fetch(uri, None), uri)
        return _resolve_version(version, uri)


def champion(name: str = MODEL_NAME, alias: str = ALIAS) -> str | None:
    """The version that the alias points to; None where it points to none, or nothing was registered yet."""
    from mlflow.exceptions import MlflowException

    with registry_client() as client:
        try:
            return _aliased(client, name, alias)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise


def run_of(name: str, version: str) -> str | None:
    """The run that a version came from; raises PromotionError where there is no such version."""
    with registry_client() as client:
        return _found(client, name, version).run_id or None


def learned_from(run_id: str | None) -> frozenset[str]:
    """SHA-256 of the videos that a run has learned from; none where that is not known."""
    from mlflow.exceptions import MlflowException

    with registry_client() as client:
        try:
            inputs = client.get_run(run_id).inputs if run_id else None
        except MlflowException:  # the run was deleted
            return frozenset()
    datasets = inputs.dataset_inputs if inputs is not None else []
    return frozenset(tag.value for each in datasets for tag in each.tags if tag.key == VIDEO_DIGEST_TAG)


def tag(name: str, version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    with registry_client() as client:
        for key, value in tags.items():
            client.set_model_version_tag(name, version, key, value)


def check_connection() -> None:
    """Raise RegistryError, within seconds, where the tracking server does not answer."""
    with registry_client(create=True) as client:
        client.search_registered_models(max_results=1)


def _resolve_version(version: "ModelVersion", uri: str) -> ResolvedModel:
    digest = version.tags.get(DIGEST_TAG)
    if digest is None:
        raise ModelError(f"Version {version.version} of {version.name} has no served form; train it with screen-time.")
    directory, digest = _fetch(f"models:/{version.name}/{version.version}", digest)
    alias = uri.rpartition("@")[2] if "@" in uri else None
    return ResolvedModel(directory, digest, uri, version.name, str(version.version), alias, version.run_id)


def _verified(directory: Path, uri: str) -> ResolvedModel:
    served = directory / SERVED_DIRECTORY if (directory / SERVED_DIRECTORY).is_dir() else directory
    verified_manifest(served)
    return ResolvedModel(served, file_sha256(served / MANIFEST_NAME), uri)


def _version_of(client: "MlflowClient", uri: str) -> "ModelVersion | None":
    """The registered version that a `models:/` URI names; None for other URIs."""
    from mlflow.store.artifact.utils.models import get_model_name_and_version

    if not uri.startswith("models:/"):
        return None
    parts = get_model_name_and_version(client, uri)  # type: ignore[no-untyped-call]
    return client.get_model_version(*parts) if len(parts) == 2 else None


def _fetch(uri: str, digest: str | None) -> tuple[Path, str]:
    """Directory and digest of the served form of `uri`; from the cache where it holds `digest`."""
    models = cache_directory("models")
    if digest is not None and (models / digest).is_dir():
        try:
            verified_manifest(models / digest, digest)
        except ModelError:
            shutil.rmtree(models / digest)
        else:
            return models / digest, digest
    with tempfile.TemporaryDirectory(dir=models) as folder:
        served = _download(uri, Path(folder))
        verified_manifest(served, digest)
        digest = file_sha256(served / MANIFEST_NAME)
        if not (models / digest).is_dir():
            served.rename(models / digest)
    return models / digest, digest


def _download(uri: str, folder: Path) -> Path:
    """The served form's directory below `folder`; raises ModelError where the model has none."""
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    # A model that is only logged (models:/m-…) cannot be asked for a part of it.
    part = "" if uri.startswith("models:/m-") else f"/{SERVED_DIRECTORY}"
    try:
        # Without a destination a local store would hand out, and write into, its own directory.
        got = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri.rstrip("/") + part, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        raise ModelError(f"{uri} has no served form that can be fetched: {first_line(error)}.") from error
    return got if part else got / SERVED_DIRECTORY


def _check_servable(client: "MlflowClient", name: str, version: str) -> None:
    found = _found(client, name, version)
    try:
        _resolve_version(found, f"models:/{name}/{version}")
    except ModelError as error:
        raise PromotionError(f"Version {version} of {name} cannot be served: {error}") from error


def _found(client: "MlflowClient", name: str, version: str) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise PromotionError(f"{name} has no version {version}.") from error
        raise


def _servable(client: "MlflowClient", name: str, version: str) -> bool:
    try:
        _check_servable(client, name, version)
    except PromotionError:
        return False
    return True


def _aliased(client: "MlflowClient", name: str, alias: str) -> str | None:
    """The version that the alias points to; None where it points to none, or to one that was deleted."""
    version = client.get_registered_model(name).aliases.get(alias)
    return None if version is None else str(version)


def _history(client: "MlflowClient", name: str, champion: str | None) -> list[str]:
    """Champions so far, ending with the present one, even where somebody moved the alias by hand."""
    tag = client.get_registered_model(name).tags.get(HISTORY_TAG, "")
    history = [version for version in tag.split(",") if version.isdigit()]
    if champion is not None and history[-1:] != [champion]:
        history.append(champion)
    return history


def _remember(client: "MlflowClient", name: str, history: list[str]) -> None:
    client.set_registered_model_tag(name, HISTORY_TAG, ",".join(history[-HISTORY_LENGTH:]))
