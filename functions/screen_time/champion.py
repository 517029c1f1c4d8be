"""Which model serves: the version that carries the alias, taken over without a restart and never blindly."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from screen_time.classifier import Classifier
from screen_time.documents import Fallback, ModelIdentity
from screen_time.errors import ModelError, RegistryError
from screen_time.model_store import ModelStore
from screen_time.observability import count, duration, logger
from screen_time.registry import ModelVersion, Registry


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version in service: who it is, its classifier, and when it was registered (milliseconds since the epoch)."""

    identity: ModelIdentity
    classifier: Classifier
    created_ms: int | None = None


REMEMBER_SECONDS = 60.0
"""How often a version in service is noted as the last good one: after a rollback a process that never left it notes
nothing else, and what the others noted meanwhile was the version rolled back from."""

REFUSED_SECONDS = 300.0
"""How long a version that was refused is not fetched and tried again; every time it is asked for, it counts."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question to the registry: when it was put, by the clock, and its answer."""

    at: float
    version: Future[ModelVersion]


class Champion:
    """Keeps the version in service and follows the alias.

    What it goes by is never older than `refresh_seconds`. The registry is asked anew at half that age, while the one in
    service measures on, so that only a video after a pause waits for the answer. A new version is fetched, verified,
    loaded and tried before it replaces the one in service; one that fails is refused and the old one stays. While the
    registry does not answer, the version in service stays, and a fresh process starts with the one that served last. A
    model that may not be the one that carries the alias is marked as a fallback.
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
        self._asking: _Asking | None = None
        self._background = ThreadPoolExecutor(2, thread_name_prefix="registry")
        self._remembered_at: float | None = None
        self._serving: ServedModel | None = None
        self._refused: tuple[ModelVersion, ModelError, float] | None = None

    def current(self) -> ServedModel:
        """The model to measure with now; raises RegistryError or ModelError where there is none at all."""
        self._take_answer()
        if self._is_due(self._asked_at, self._refresh_seconds / 2):
            self._ask()
        if self._serving is None or self._is_due(self._asked_at, self._refresh_seconds):
            self._serving = self._follow()
        if self._serving.identity.fallback is not None:
            count("ModelFallback")
        if self._serving.created_ms is not None:
            duration("ModelAge", time.time() - self._serving.created_ms / 1000)
        return self._serving

    def _take_answer(self) -> None:
        """Follow an answer that is there; from before a pause it tells nothing, least of all that none came."""
        if self._asking is not None and self._is_due(self._asking.at, self._refresh_seconds):
            self._asking = None
        if self._asking is not None and self._asking.version.done():
            self._serving = self._follow()

    def _ask(self) -> "_Asking":
        """Begin to ask the registry, unless it is being asked already."""
        if self._asking is None:
            answer = self._background.submit(self._registry.version_of_alias, self._name, self._alias)
            self._asking = _Asking(self._clock(), answer)
        return self._asking

    def _follow(self) -> ServedModel:
        """The version that carries the alias; else the one in service or the one that served last, marked."""
        asking, self._asking = self._ask(), None
        try:
            wanted = asking.version.result()
            self._asked_at = asking.at
            served = self._taken_over(wanted)
        except RegistryError as error:
            count("RegistryUnavailable")
            return self._fallen_back(error, Fallback.REGISTRY_UNAVAILABLE)
        except ModelError as error:
            count("ModelRefused")
            return self._fallen_back(error, Fallback.VERSION_REFUSED)
        if self._is_due(self._remembered_at, REMEMBER_SECONDS):
            self._remembered_at = self._clock()
            self._store.remember(wanted, self._alias)
        return served

    def _taken_over(self, wanted: ModelVersion) -> ServedModel:
        if self._serving is not None and self._is(wanted, self._serving):
            return _marked(self._serving, None)
        self._check_not_refused(wanted)
        try:
            served = self._load(wanted)
        except ModelError as error:
            self._refused = (wanted, error, self._clock())
            raise
        self._remembered_at = None
        logger.info("a model version is in service", model_version=wanted.version)
        return served

    def _check_not_refused(self, wanted: ModelVersion) -> None:
        """Raise what the version was refused for, for a while: each attempt would fetch all of it again."""
        if self._refused is None:
            return
        refused, error, at = self._refused
        if refused == wanted and not self._is_due(at, REFUSED_SECONDS):
            raise error

    def _is_due(self, last: float | None, seconds: float) -> bool:
        return last is None or self._clock() - last >= seconds

    @staticmethod
    def _is(wanted: ModelVersion, served: ServedModel) -> bool:
        return (served.identity.version, served.identity.digest) == (wanted.version, wanted.digest)

    def _load(self, version: ModelVersion) -> ServedModel:
        classifier = Classifier(*self._store.fetch(version))
        identity = ModelIdentity(version.name, version.version, self._alias, version.run_id, version.digest)
        return ServedModel(identity, classifier, version.created_ms)

    def _fallen_back(self, error: RegistryError | ModelError, fallback: Fallback) -> ServedModel:
        """What serves, or what served last; raises `error` where nothing did."""
        self._asked_at = self._clock()
        logger.warning("the last good model version serves", reason=str(error), fallback=fallback)
        if self._serving is not None:
            return _marked(self._serving, fallback)
        last = self._store.last_served(self._name, self._alias)
        if last is None:
            raise error
        return _marked(self._load(last), fallback)


def _marked(served: ServedModel, fallback: Fallback | None) -> ServedModel:
    return replace(served, identity=replace(served.identity, fallback=fallback))
