"""The registry's client against a server that refuses it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from screen_time.errors import RegistryError
from screen_time.manifest import DIGEST_TAG
from screen_time.registry import Registry

ANSWER = {"model_version": {"name": "m", "version": "4", "run_id": "r", "tags": [{"key": DIGEST_TAG, "value": "d"}]}}


class Guarded(BaseHTTPRequestHandler):
    """Lets in who brings the token `new`."""

    def do_GET(self) -> None:
        welcome = self.headers.get("Authorization") == "Bearer new"
        body = json.dumps(ANSWER if welcome else {"message": "who are you?"}).encode()
        self.send_response(200 if welcome else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def uri() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_refusal_makes_it_read_its_credentials_anew(uri: str) -> None:
    """A password that was rotated is no outage."""
    tokens = iter(["old", "new"])
    registry = Registry(uri, lambda: {"Authorization": f"Bearer {next(tokens)}"})
    assert registry.version_of_alias("m", "champion").version == "4"
    assert registry.version_of_alias("m", "champion").version == "4", "and keeps those that were accepted"


def test_credentials_that_stay_refused_are_an_error(uri: str) -> None:
    """Asked twice, not for ever; the server's own words are told."""
    with pytest.raises(RegistryError, match="401: who are you"):
        Registry(uri, lambda: {"Authorization": "Bearer old"}).version_of_alias("m", "champion")
