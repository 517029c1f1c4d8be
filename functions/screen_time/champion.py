"""Which model serves: the version that carries the alias, taken over without a restart and never blindly."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from screen_time.classifier import Classifier
from screen_time.documents import ModelIdentity
from screen_time.errors import ModelError, RegistryError
from screen_time.model_store import ModelStore
from screen_time.observability import count, logger
from screen_time.registry import ModelVersion, Registry


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version in service: who it is, and its classifier."""

    identity: ModelIdentity
    classifier: Classifier


class Champion:
    """Keeps the version in service and follows the alias.

    The registry is asked at most every `refresh_seconds`. A new version is fetched, verified, loaded and tried before
    it replaces the one in service; one that fails is refused and the old one stays. While the registry does not
    answer, the version in service stays, and a fresh process starts with the one that served last.
    """

    def __init__(
        self,
        registry: Registry,
        store: ModelStore,
        name: str,
        alias: str,
        refresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._store = registry, store
        self._name, self._alias = name, alias
        self._refresh_seconds, self._clock = refresh_seconds, clock
        self._asked_at: float | None = None
        self._serving: ServedModel | None = None

    def current(self) -> ServedModel:
        """The model to measure with now; raises RegistryError or ModelError where there is none at all."""
        if self._serving is not None and not self._is_due():
            return self._serving
        try:
            wanted = self._registry.version_of_alias(self._name, self._alias)
            self._asked_at = self._clock()
            if not self._is_serving(wanted):
                self._serving = self._load(wanted)
                self._store.remember(wanted, self._alias)
                logger.info("a model version is in service", model_version=wanted.version)
        except RegistryError as error:
            count("RegistryUnavailable")
            self._fall_back(error)
        except ModelError as error:
            count("ModelRefused")
            self._fall_back(error)
        if self._serving is None:
            raise RegistryError(f"No version of {self._name} can be served.")
        return self._serving

    def _is_due(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= self._refresh_seconds

    def _is_serving(self, wanted: ModelVersion) -> bool:
        if self._serving is None:
            return False
        identity = self._serving.identity
        return (identity.version, identity.digest) == (wanted.version, wanted.digest)

    def _load(self, version: ModelVersion) -> ServedModel:
        classifier = Classifier(*self._store.fetch(version))
        identity = ModelIdentity(version.name, version.version, self._alias, version.run_id, version.digest)
        return ServedModel(identity, classifier)

    def _fall_back(self, error: RegistryError | ModelError) -> None:
        """Stay with what serves, or start with what served last; raises `error` where nothing did."""
        self._asked_at = self._clock()
        logger.warning("the model in service stays", reason=str(error))
        if self._serving is not None:
            return
        last = self._store.last_served(self._name, self._alias)
        if last is None:
            raise error
        self._serving = self._load(last)
