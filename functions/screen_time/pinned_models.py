"""A model by its version, whatever the alias names meanwhile: what all workers of one video measure with."""

from screen_time.champion import ServedModel
from screen_time.classifier import Classifier
from screen_time.documents import ModelIdentity
from screen_time.manifest import Manifest
from screen_time.model_store import ModelStore
from screen_time.registry import ModelVersion


class PinnedModels:
    """Versions that were chosen already; the one asked for last stays in memory.

    Their files come from the models bucket, where they were kept when they came into service, so that a hundred
    workers that start at once do not ask the registry. Raises RegistryError or ModelError where they are nowhere.
    """

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._serving: ServedModel | None = None

    def manifest(self, identity: ModelIdentity) -> Manifest:
        """What a version takes and answers, without loading it."""
        return self._store.fetch(_version(identity))[1]

    def served(self, identity: ModelIdentity) -> ServedModel:
        """A version, ready to measure with."""
        if self._serving is None or self._serving.identity != identity:
            self._serving = ServedModel(identity, Classifier(*self._store.fetch(_version(identity))))
        return self._serving


def _version(identity: ModelIdentity) -> ModelVersion:
    return ModelVersion(identity.name, identity.version, identity.run_id, identity.digest)
