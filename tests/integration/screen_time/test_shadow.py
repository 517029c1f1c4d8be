"""A challenger beside the champion: it measures some videos too, and can hurt none."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from screen_time.conditional_writes import File
from screen_time.documents import ModelIdentity
from screen_time.errors import SupersededError
from screen_time.events import Upload
from screen_time.jobs import Job
from screen_time.observability import logger
from screen_time.provenance import Provenance
from screen_time.results import ResultFolder
from screen_time.shadow import is_shadowed
from screen_time.time_limit import time_limit
from tests.integration.screen_time import test_handler
from tests.integration.screen_time.test_handler import Context, batch, document, keys, notification, versions
from tests.registered_models import ModelRegistry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

function, red_video = test_handler.function, test_handler.red_video

WITHOUT = ["a.mp4/frames.csv", "a.mp4/report.html", "a.mp4/screen-time.json"]
WITH = [*WITHOUT, "a.mp4/shadow.json"]
SWAPPED = ("green", "red", "blue")
"""A challenger with these labels calls green what the champion calls red."""

Shadowed = Callable[..., ModuleType]


@pytest.fixture
def shadowed(function: ModuleType, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> Shadowed:
    """The function with every video shadowed, by a challenger with the labels given, if any are."""

    def make(labels: tuple[str, ...] | None = None) -> ModuleType:
        alias = f"{function.settings.model_alias}-shadow"
        asked = replace(function.settings, shadow_share=1.0, shadow_alias=alias)
        monkeypatch.setattr(function, "settings", asked)
        if labels is not None:
            registry.register(labels, alias=alias)
        return function

    return make


def figures(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The shadow's metrics since the last look; a list of values each."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    found = [line for line in lines if "_aws" in line]
    return {name: value for line in found for name, value in line.items() if name.startswith("Shadow")}


def handle(function: ModuleType, s3: "S3Client", video: bytes) -> None:
    body = json.dumps(notification(s3, "a.mp4", video))
    assert function.handler(batch(body), Context()) == {"batchItemFailures": []}


def test_nothing_is_shadowed_unless_asked_for(
    function: ModuleType, s3: "S3Client", red_video: bytes, registry: ModelRegistry
) -> None:
    """Although there is a challenger."""
    registry.register(SWAPPED, alias="challenger")
    handle(function, s3, red_video)
    assert keys(s3) == WITHOUT


def test_both_measure_and_what_they_say_is_compared(
    shadowed: Shadowed, s3: "S3Client", red_video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The challenger's document has the result's shape and names it; the champion's is what it would be alone."""
    handle(shadowed(SWAPPED), s3, red_video)
    assert keys(s3) == WITH
    champion, challenger = (document(s3, f"a.mp4/{name}.json") for name in ("screen-time", "shadow"))
    assert champion["characters"]["red"]["seconds"] == challenger["characters"]["green"]["seconds"] == 2.5
    assert champion["model"]["version"] != challenger["model"]["version"]
    assert challenger["model"]["alias"].endswith("-shadow")
    assert challenger.keys() == champion.keys()
    assert figures(capsys) == {
        "ShadowMeasured": [1.0],
        "ShadowDisagreementPercent": [100.0],
        "ShadowLargestDifferencePercent": [100.0],
    }
    kept = [item["Key"] for item in s3.list_objects_v2(Bucket="models")["Contents"]]
    assert not [key for key in kept if "-shadow" in key], "only the champion's last version is remembered"


def test_without_a_challenger_nothing_happens(
    shadowed: Shadowed,
    s3: "S3Client",
    red_video: bytes,
    registry: ModelRegistry,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No version carries the alias, or the champion carries both; neither is a failure."""
    function = shadowed()
    handle(function, s3, red_video)
    version = document(s3, "a.mp4/screen-time.json")["model"]["version"]
    registry.move(function.settings.shadow_alias, version)
    handle(function, s3, red_video)
    assert keys(s3) == WITHOUT
    assert figures(capsys) == {}


def test_a_challenger_that_fails_hurts_nobody(
    shadowed: Shadowed,
    s3: "S3Client",
    red_video: bytes,
    registry: ModelRegistry,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The champion's result stands, the message is done, and the failure is counted apart from the champion's."""
    function = shadowed()
    challenger = registry.register(SWAPPED, alias=function.settings.shadow_alias)
    registry.damage(challenger)
    handle(function, s3, red_video)
    assert keys(s3) == WITHOUT
    written = capsys.readouterr().out
    assert '"ShadowFailed":[1.0]' in written
    assert "ModelRefused" not in written


@pytest.mark.parametrize("trouble", ["exception", "lasting", "no time"])
def test_a_shadow_that_breaks_or_lasts_ends_alone(
    shadowed: Shadowed,
    s3: "S3Client",
    red_video: bytes,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever is raised there; it is interrupted at its time limit, and not begun where less than it needs is left."""

    def measure(*_: object, **__: object) -> None:
        if trouble == "exception":
            raise ZeroDivisionError
        assert trouble == "lasting", "begun without time"
        time.sleep(30)

    monkeypatch.setattr("screen_time.shadow.measure", measure)
    warnings: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(logger, "warning", lambda sentence, **more: warnings.append((sentence, more)))
    if trouble == "lasting":
        monkeypatch.setattr("screen_time.shadow.time_limit", lambda _: time_limit(1))
    if trouble == "no time":
        left = iter([60.0, 0.001])
        monkeypatch.setattr("screen_time.shadow.seconds_left", lambda: next(left))
    handle(shadowed(SWAPPED), s3, red_video)
    assert keys(s3) == WITHOUT
    assert figures(capsys) == {"ShadowFailed": [1.0]}
    (line,) = (more for sentence, more in warnings if sentence == "the shadow failed")
    expected = {"exception": "ZeroDivisionError", "lasting": "within the 1 s", "no time": "Less time"}
    assert expected[trouble] in f"{line['error']}: {line['reason']}"


def test_a_duplicate_is_not_shadowed_again_and_another_result_takes_the_shadow_away(
    shadowed: Shadowed, s3: "S3Client", red_video: bytes
) -> None:
    """A shadow belongs to one result: it is replaced with it and goes where an error takes its place."""
    function = shadowed(SWAPPED)
    body = json.dumps(notification(s3, "a.mp4", red_video))
    function.handler(batch(body, body), Context())
    assert versions(s3, "a.mp4/shadow.json") == 1
    handle(function, s3, red_video)
    assert versions(s3, "a.mp4/shadow.json") == 2
    results = [s3.head_object(Bucket="results", Key=f"a.mp4/{name}.json") for name in ("screen-time", "shadow")]
    assert len({each["Metadata"]["identity"] for each in results}) == 1
    handle(function, s3, b"no video")
    assert keys(s3) == ["a.mp4/error.json"]


def test_a_shadow_is_not_left_beside_another_result(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether that one was written after it, before it or while it was."""
    oldest, old, new = (Provenance(f"identity-{number}", f"v{number}", sequencer=f"0{number}") for number in range(3))
    files = [File(name, b"", "text/plain") for name in ("frames.csv", "report.html")]

    def write(provenance: Provenance) -> ResultFolder:
        folder = ResultFolder(s3, "results", "a.mp4")
        folder.write_result(provenance, b"{}", files, lambda: None)
        return folder

    write(oldest).write_shadow(oldest, b"{}")
    folder = write(old)
    assert keys(s3) == WITHOUT
    check = folder._check_result_stands

    def interrupted(provenance: Provenance) -> None:
        check(provenance)
        monkeypatch.undo()
        write(new)

    monkeypatch.setattr(folder, "_check_result_stands", interrupted)
    for _ in range(2):
        with pytest.raises(SupersededError):
            folder.write_shadow(old, b"{}")
        assert keys(s3) == WITHOUT


def test_a_share_of_the_videos_is_chosen_and_always_the_same_ones() -> None:
    """By the object: whichever the champion, whatever else the event says; and another version is another video."""

    def job(number: int, version: str = "v1", model: str = "1", sequencer: str | None = None) -> Job:
        identity = ModelIdentity("screen-time", model, "champion", None, "digest")
        return Job(Upload("videos", f"{number}.mp4", version, None, sequencer), identity, 1000)

    numbers = range(1000)
    chosen = [is_shadowed(job(number), 0.3) for number in numbers]
    assert 250 < sum(chosen) < 350
    assert chosen == [is_shadowed(job(number, model="2", sequencer="0A"), 0.3) for number in numbers]
    assert chosen != [is_shadowed(job(number, version="v2"), 0.3) for number in numbers]
    assert all(is_shadowed(job(number), 0.4) for number in numbers if chosen[number])
    assert all(is_shadowed(job(number), 1) for number in numbers)
    assert not any(is_shadowed(job(number), 0) for number in numbers)
