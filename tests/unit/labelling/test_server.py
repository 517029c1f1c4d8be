"""The labelling page's server: who may ask it, and what it answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from labelling.job import Job
from labelling.server import HOST, LabellingServer, application
from labelling.sheet import Sheet
from training.errors import TrainingError
from training.labels import read_label_file

TOKEN = "secret"
OWN = f"http://{HOST}:4000"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Three frames and an empty label file."""
    frames = {time_ms: tmp_path / f"frame{time_ms // 1000}.jpg" for time_ms in (0, 1000, 2000)}
    for path in frames.values():
        cv2.imwrite(str(path), np.zeros((9, 16, 3), dtype=np.uint8))
    return Job("clip.mp4", frames, Sheet(tmp_path / "labels.csv", ("nobody", "fox", "owl")))


@pytest.fixture
def stranger(job: Job) -> FlaskClient:
    """Whoever finds the port."""
    return application(job, TOKEN).test_client()


@pytest.fixture
def client(stranger: FlaskClient) -> FlaskClient:
    """Whoever has opened the link."""
    answer = stranger.get(f"/?token={TOKEN}", base_url=OWN)
    assert (answer.status_code, answer.location) == (302, "/")
    return stranger


def send(client: FlaskClient, marks: Any, **options: Any) -> Any:
    return client.post("/marks", json=marks, **{"base_url": OWN, **options})


def mark(time_ms: int, *labels: str) -> dict[str, Any]:
    return {"time_ms": time_ms, "labels": labels, "uncertain": False}


class TestWhoMayAsk:
    """This user's browser, from this page."""

    @pytest.mark.parametrize("path", ["/", "/job", "/frames/0", "/suggestions", "/page/label.js", "/?token=wrong"])
    def test_without_the_token_nothing_is_shown(self, stranger: FlaskClient, path: str) -> None:
        """Other users of the machine can reach the port too."""
        answer = stranger.get(path, base_url=OWN)
        assert answer.status_code == 403
        assert "Open the link" in answer.get_json()["error"]

    def test_the_cookie_is_kept_from_scripts_and_other_sites(self, stranger: FlaskClient) -> None:
        """HttpOnly, SameSite=Strict; the token leaves the address bar."""
        cookie = stranger.get(f"/?token={TOKEN}", base_url=OWN).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie

    def test_another_name_for_this_machine_is_refused(self, client: FlaskClient) -> None:
        """A page of evil.example whose name was rebound to 127.0.0.1 sends its own Host."""
        assert client.get("/job", base_url="http://evil.example:4000").status_code == 400

    @pytest.mark.parametrize(
        "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_another_page_cannot_label(self, client: FlaskClient, job: Job, headers: dict[str, str]) -> None:
        """Even with the cookie."""
        assert send(client, [mark(0, "fox")], headers=headers).status_code == 403
        assert not job.sheet.path.exists()

    def test_the_page_may_load_nothing_from_elsewhere(self, client: FlaskClient) -> None:
        """Nor be framed."""
        policy = client.get("/", base_url=OWN).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy

    @pytest.mark.parametrize(
        "path", ["/page/..%2fserver.py", "/page/../server.py", "/frames/../labels.csv", "/frames/9"]
    )
    def test_nothing_but_page_and_frames_is_served(self, client: FlaskClient, path: str) -> None:
        """No path leads out of their folders."""
        assert client.get(path, base_url=OWN).status_code == 404


class TestMarks:
    """What is answered with `saved` is on disk."""

    def test_marks_are_in_the_file_when_they_are_answered(self, client: FlaskClient, job: Job) -> None:
        """In order: the last one of a frame counts."""
        answer = send(client, [mark(0, "fox"), mark(1000), mark(0, "owl")])
        assert answer.get_json() == {"saved": 3}
        assert [set(time.labels) for time in read_label_file(job.sheet.path).times] == [{"owl"}, {"nobody"}]
        assert client.get("/job", base_url=OWN).get_json()["frames"][0] == [0, ["owl"], False]

    @pytest.mark.parametrize(
        ("marks", "said"),
        [
            ([mark(0, "bear")], "'bear' is none of"),
            ([mark(7000, "fox")], "no frame at second 7"),
            ([{"time_ms": 0}], "load it again"),
            ({"time_ms": 0}, "load it again"),
        ],
    )
    def test_what_cannot_be_is_refused_whole(self, client: FlaskClient, job: Job, marks: Any, said: str) -> None:
        """With a sentence; the file stays as it was."""
        answer = send(client, marks)
        assert answer.status_code == 409
        assert said in answer.get_json()["error"]
        assert not job.sheet.path.exists()

    def test_a_file_that_became_unreadable_is_a_sentence_and_nothing_is_overwritten(
        self, client: FlaskClient, job: Job
    ) -> None:
        """Somebody has half-edited it; the page keeps what was pressed and tries again."""
        send(client, [mark(0, "fox")])
        job.sheet.path.write_text("Image_ID,Class\nframe0.jpg,bear\n")
        for _ in range(2):
            answer = send(client, [mark(1000, "fox")])
            assert answer.status_code == 409
            assert "line 2: class 'bear' is none of" in answer.get_json()["error"]
            assert "bear" in job.sheet.path.read_text()
        job.sheet.path.write_text("Image_ID,Class\nframe0.jpg,owl\n")
        assert send(client, [mark(1000, "fox")]).status_code == 200
        assert [set(time.labels) for time in read_label_file(job.sheet.path).times] == [{"owl"}, {"fox"}]


class TestPorts:
    """Where the page is."""

    def test_the_same_label_file_gets_the_same_port(self, job: Job, started: "Callable[..., LabellingServer]") -> None:
        """What a page could not send is kept by address: the same one finds it again."""
        first = started(job)
        first.close()
        assert started(job).origin == first.origin

    def test_a_taken_port_is_said_or_gone_around(self, job: Job, started: "Callable[..., LabellingServer]") -> None:
        """Two people label the same file, say."""
        first = started(job)
        port = int(first.origin.rpartition(":")[2])
        with pytest.raises(TrainingError, match=f"Port {port} is taken"):
            LabellingServer(job, port)
        assert started(job).origin != first.origin


@pytest.fixture
def started() -> Any:
    """Starts servers, and closes those that still run."""
    from threading import Thread

    servers: list[LabellingServer] = []

    def start(job: Job) -> LabellingServer:
        server = LabellingServer(job)
        servers.append(server)
        Thread(target=server.serve, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.close()
