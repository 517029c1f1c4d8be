"""The model in service, with a real MLflow server as registry and moto's S3 as models bucket."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from screen_time.champion import Champion
from screen_time.documents import Fallback
from screen_time.errors import ModelError, RegistryError
from screen_time.manifest import DIGEST_TAG, Manifest
from screen_time.model_store import ModelStore
from screen_time.registry import ModelVersion, Registry
from tests.registered_models import NAME, ModelRegistry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOBODY_LISTENS = "http://127.0.0.1:9"

MakeChampion = Callable[..., Champion]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def make_champion(
    s3: "S3Client", registry: ModelRegistry, tmp_path: Path, request: pytest.FixtureRequest
) -> MakeChampion:
    """Make what a fresh process has, for the alias named by the test."""

    def make(clock: Clock, uri: str = registry.uri, disk: str = "disk") -> Champion:
        client = Registry(uri)
        store = ModelStore(s3, "models", client, tmp_path / disk)
        return Champion(client, store, NAME, alias_of(request), refresh_seconds=5, clock=clock)

    return make


def alias_of(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).replace("_", "-")


@pytest.fixture
def alias(request: pytest.FixtureRequest) -> str:
    """An alias of this test's own."""
    return alias_of(request)


def test_a_moved_alias_is_followed_without_a_restart(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """After the refresh time, not before, and back again for a rollback."""
    clock = Clock()
    champion = make_champion(clock)
    first, second = registry.register(alias=alias), registry.register(("rot", "gruen", "blau"))
    assert champion.current().identity.version == first
    registry.move(alias, second)
    clock.now = 4.9
    assert champion.current().identity.version == first
    clock.now = 5.1
    assert champion.current().identity.version == second
    assert champion.current().classifier.manifest.labels == ("rot", "gruen", "blau")
    registry.move(alias, first)
    clock.now = 11
    assert champion.current().identity.version == first


def test_a_busy_function_never_waits_for_the_registry(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked while the version in service measures on, and its answer taken when it is there."""
    hold, _answered = slow_registry(monkeypatch)
    hold.set()
    clock, first, second = Clock(), registry.register(alias=alias), registry.register()
    champion = make_champion(clock)
    assert champion.current().identity.version == first
    hold.clear()
    registry.move(alias, second)
    clock.now = 3
    assert champion.current().identity.version == first
    hold.set()
    end = time.monotonic() + 20
    while champion.current().identity.version == first:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert champion.current().identity.version == second


def test_an_answer_from_before_a_pause_is_too_old(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process is frozen between events, however long; what it had asked before is asked anew."""
    hold, answered = slow_registry(monkeypatch)
    hold.set()
    clock, first, second = Clock(), registry.register(alias=alias), registry.register()
    champion = make_champion(clock)
    champion.current()
    answered.clear()
    clock.now = 3
    assert champion.current().identity.version == first
    assert answered.wait(20)
    registry.move(alias, second)
    clock.now = 3600
    assert champion.current().identity.version == second


def slow_registry(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Registries answer while the first event is set; the second one tells of each answer."""
    ask, hold, answered = Registry.version_of_alias, threading.Event(), threading.Event()

    def slow(self: Registry, name: str, alias: str) -> ModelVersion:
        assert hold.wait(20)
        version = ask(self, name, alias)
        answered.set()
        return version

    monkeypatch.setattr(Registry, "version_of_alias", slow)
    return hold, answered


def test_a_registry_that_goes_down_is_no_outage(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """A fresh process, with an empty disk, serves what served last."""
    version = registry.register(alias=alias)
    make_champion(Clock()).current()
    served = make_champion(Clock(), uri=NOBODY_LISTENS, disk="empty").current()
    assert served.identity.version == version
    assert served.identity.alias == alias
    assert served.identity.fallback is Fallback.REGISTRY_UNAVAILABLE


def test_with_no_registry_and_nothing_kept_the_queue_has_to_try_again(make_champion: MakeChampion) -> None:
    """A transient error."""
    with pytest.raises(RegistryError):
        make_champion(Clock(), uri=NOBODY_LISTENS).current()


def test_an_alias_that_no_version_carries_is_an_error_that_says_so(make_champion: MakeChampion) -> None:
    """Before anything was promoted."""
    with pytest.raises(RegistryError, match="alias"):
        make_champion(Clock()).current()


def test_a_version_whose_files_differ_from_its_digest_is_refused_and_the_old_one_stays(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """A version's artifacts can be changed after it was registered."""
    from mlflow import MlflowClient

    clock = Clock()
    champion = make_champion(clock)
    good, bad = registry.register(alias=alias), registry.register()
    assert champion.current().identity.version == good
    MlflowClient(registry.uri).set_model_version_tag(NAME, bad, DIGEST_TAG, "0" * 64)
    registry.move(alias, bad)
    clock.now = 6
    assert champion.current().identity.version == good
    assert champion.current().identity.fallback is Fallback.VERSION_REFUSED
    fresh = make_champion(Clock(), disk="empty").current()
    assert (fresh.identity.version, fresh.identity.fallback) == (good, Fallback.VERSION_REFUSED)
    registry.move(alias, good)
    clock.now = 12
    assert champion.current().identity.version == good
    assert champion.current().identity.fallback is None


def test_a_refused_version_is_not_fetched_again_at_once(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts each time that it is asked for, so that the alarm goes on, and is tried again after five minutes."""
    from mlflow import MlflowClient

    counted: list[str] = []
    monkeypatch.setattr("screen_time.champion.count", counted.append)
    clock, good, bad = Clock(), registry.register(alias=alias), registry.register()
    champion = make_champion(clock)
    champion.current()
    client = MlflowClient(registry.uri)
    digest = client.get_model_version(NAME, bad).tags[DIGEST_TAG]
    client.set_model_version_tag(NAME, bad, DIGEST_TAG, "0" * 64)
    registry.move(alias, bad)
    fetched: list[str] = []
    fetch = champion._store.fetch

    def noted(version: ModelVersion) -> tuple[Path, Manifest]:
        fetched.append(version.version)
        return fetch(version)

    monkeypatch.setattr(champion._store, "fetch", noted)
    for clock.now in (6, 12, 18, 320):
        assert champion.current().identity.version == good
    assert fetched == [bad, bad]
    assert counted.count("ModelRefused") == 4
    client.set_model_version_tag(NAME, bad, DIGEST_TAG, digest)
    clock.now = 330
    assert champion.current().identity.version == bad, "mended, it is another version to try"


def test_after_a_rollback_the_version_rolled_back_to_is_the_last_good_one(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """Also where the only process that goes on had never left it."""
    clock = Clock()
    stayed = make_champion(clock)
    first, second = registry.register(alias=alias), registry.register()
    stayed.current()
    registry.move(alias, second)
    make_champion(Clock(), disk="other").current()  # notes the second one, and is gone
    registry.move(alias, first)
    clock.now = 61
    assert stayed.current().identity.version == first
    assert make_champion(Clock(), uri=NOBODY_LISTENS, disk="empty").current().identity.version == first


def test_a_registry_that_hangs_does_not_hold_the_video_up_for_long(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """It takes the connection and never answers."""
    registry.register(alias=alias)
    make_champion(Clock()).current()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        served = make_champion(Clock(), uri=uri, disk="empty").current()
    assert served.identity.fallback is Fallback.REGISTRY_UNAVAILABLE
    assert time.monotonic() - began < 20


def test_a_version_without_a_served_form_is_refused(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str
) -> None:
    """Somebody registered it by hand."""
    from mlflow import MlflowClient

    version = registry.register(alias=alias)
    MlflowClient(registry.uri).delete_model_version_tag(NAME, version, DIGEST_TAG)
    with pytest.raises(ModelError, match="no served form"):
        make_champion(Clock()).current()


def test_a_damaged_copy_on_disk_is_fetched_again(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str, tmp_path: Path
) -> None:
    """A full or broken disk leaves half a file behind."""
    version = registry.register(alias=alias)
    make_champion(Clock()).current()
    (model,) = (tmp_path / "disk").rglob("model.bin")
    model.write_bytes(b"half")
    assert make_champion(Clock()).current().identity.version == version


def test_a_damaged_copy_in_the_models_bucket_is_passed_over(
    registry: ModelRegistry, make_champion: MakeChampion, alias: str, s3: "S3Client"
) -> None:
    """The registry has the true one."""
    version = registry.register(alias=alias)
    make_champion(Clock()).current()
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="models")["Contents"]]
    (weights,) = (key for key in keys if key.endswith("model.bin"))
    s3.put_object(Bucket="models", Key=weights, Body=b"damaged")
    assert make_champion(Clock(), disk="empty").current().identity.version == version
