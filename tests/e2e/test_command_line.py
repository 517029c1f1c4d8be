"""The commands as a person types them, in an empty directory."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.episodes import Episode, write_episode
from infra.local import aws

SCREEN_TIME = Path(sys.executable).with_name("screen-time")
SECONDS = 40

pytestmark = pytest.mark.timeout(900)
"""One of these tests waits for a whole training at full size, beside whatever else is tested."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with nothing in it but a drawn episode."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def episode(place: Path) -> Episode:
    """Forty seconds of the demo's cartoon."""
    return write_episode(place, 1, seconds=SECONDS)


@pytest.fixture(scope="module")
def champion(place: Path, episode: Episode) -> str:
    """Version 1, trained and promoted with one command."""
    command = ["train", "--video", str(episode.video), "--labels", str(episode.labels)]
    answer = run(place, *command, "--classes", "neither,fox,owl", "--promote")
    assert answer.returncode == 0, answer.stderr
    assert "Registered as version 1 of screen-time" in answer.stdout
    return "1"


def environment() -> dict[str, str]:
    """The user's environment, without the variables that would lead to another MLflow."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}


def run(place: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(SCREEN_TIME), *arguments]
    return subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, check=False)


def true_seconds(episode: Episode) -> dict[str, float]:
    rows = list(csv.DictReader(episode.labels.read_text().splitlines()))
    names = {"0": "neither", "1": "fox", "2": "owl"}
    return {name: float(sum(row["Class"] == number for row in rows)) for number, name in names.items()}


@contextmanager
def local_stack(place: Path) -> Iterator[dict[str, str]]:
    """`screen-time up` until it is interrupted; yields the addresses that it prints."""
    process = subprocess.Popen(
        [str(SCREEN_TIME), "up", "--quiet"], cwd=place, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed: dict[str, str] = {}
        for line in process.stdout:
            if match := re.match(r"(AWS endpoint|videos bucket|results bucket|MLflow|champion)\s+(\S.*)", line):
                printed[match[1]] = match[2]
            if "Ctrl-C" in line:
                break
        yield printed | {"pid": str(process.pid)}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_for(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while not s3.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
        assert time.monotonic() < end
        time.sleep(0.2)
    document: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return document


@pytest.mark.slow
def test_a_trained_model_measures_what_is_dropped_into_the_local_stack(
    place: Path, episode: Episode, champion: str
) -> None:
    """Train and promote without a server, start the stack there, drop the video: its labels' seconds come back."""
    with local_stack(place) as printed:
        assert printed["champion"] == "version 1 of screen-time"
        children = psutil.Process(int(printed["pid"])).children(recursive=True)
        s3 = aws.client("s3", printed["AWS endpoint"])
        s3.upload_file(str(episode.video), printed["videos bucket"], "ep.mp4")
        document = wait_for(s3, printed["results bucket"], "ep.mp4/screen-time.json")
    found = {name: character["seconds"] for name, character in document["characters"].items()}
    found["neither"] = document["nobody"]["seconds"]
    for name, true in true_seconds(episode).items():
        assert abs(found[name] - true) <= 0.03 * SECONDS, (name, found, true)
    assert sum(found.values()) == pytest.approx(document["video"]["duration_seconds"])
    assert document["model"]["version"] == champion
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert gone
    assert not alive, "Ctrl-C ends everything that was started"


@pytest.mark.slow
def test_predict_and_evaluate_agree_with_the_labels(place: Path, episode: Episode, champion: str) -> None:
    """The same result files, and the figures of DESIGN.md, without AWS."""
    predicted = run(place, "predict", str(episode.video), "--json")
    assert predicted.returncode == 0, predicted.stderr
    document = json.loads(predicted.stdout)
    assert document["model"]["version"] == champion
    written = {path.name for path in (place / "results" / episode.video.name).iterdir()}
    assert written == {"frames.csv", "report.html", "screen-time.json"}
    evaluated = run(
        place, "evaluate", "--video", str(episode.video), "--labels", str(episode.labels), "--json", "figures.json"
    )
    assert evaluated.returncode == 0, evaluated.stderr
    figures = json.loads((place / "figures.json").read_text())
    assert figures["frames"] == SECONDS
    assert figures["accuracy"] >= 0.97
    assert figures["duration_seconds"] == SECONDS
    assert set(figures["per_class"]["fox"]) >= {"precision", "recall", "f1", "support"}
    assert figures["seconds"]["true"] == true_seconds(episode)


@pytest.mark.slow
def test_promotion_and_rollback_move_the_champion(place: Path, episode: Episode, champion: str) -> None:
    """Version 2 and back; a version that does not exist is one sentence and exit status 1."""
    command = ["train", "--video", str(episode.video), "--labels", str(episode.labels), "--classes", "neither,fox,owl"]
    assert "promote it with: screen-time promote 2" in run(place, *command, "--seed", "1").stdout
    assert "Version 2 is champion (before: version 1)" in run(place, "promote", "2").stdout
    assert "Version 1 is champion again" in run(place, "rollback").stdout
    nothing = run(place, "rollback")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("error: ")
    unknown = run(place, "promote", "99")
    assert unknown.returncode == 1
    assert len(unknown.stderr.strip().splitlines()) == 1


def test_frames_writes_pictures_and_a_file_to_fill_in(place: Path, episode: Episode) -> None:
    """One a second, and a filled file is never overwritten."""
    assert run(place, "frames", str(episode.video), "--out", "frames").returncode == 0
    assert len(list((place / "frames").glob("frame*.jpg"))) == SECONDS
    labels = place / "frames" / "labels.csv"
    lines = labels.read_text().splitlines()
    assert lines[:2] == ["Image_ID,Class", "frame0.jpg,"]
    labels.write_text("\n".join([lines[0], "frame0.jpg,1", *lines[2:]]))
    again = run(place, "frames", str(episode.video), "--out", "frames")
    assert again.returncode == 1
    assert "filled in" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "no-video.mp4", "--model", "models:/screen-time/1"], "no video"),
        (["predict", "missing.mp4"], "does not exist"),
        (["predict", "no-video.mp4", "--every", "0"], "whole number of milliseconds"),
        (["train", "--video", "no-video.mp4"], "Missing option"),
        (["train", "--video", "no-video.mp4", "--labels", "bad.csv"], "bad.csv"),
        (["demo", "--video", "no-video.mp4"], "go together"),
        (["up", "--parameter", "nonsense"], "NAME=VALUE"),
    ],
)
def test_bad_input_gets_a_sentence_and_an_exit_status(
    place: Path, champion: str, arguments: list[str], said: str
) -> None:
    """Never a traceback."""
    (place / "no-video.mp4").write_text("hello")
    (place / "bad.csv").write_text("who,knows\n1,2\n")
    answer = run(place, *arguments)
    assert answer.returncode in (1, 2)
    assert said.lower() in re.sub(r"[\s│]+", " ", answer.stderr).lower()
    assert "Traceback" not in answer.stderr
