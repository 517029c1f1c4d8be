"""The documentation site in a browser: nothing is fetched from elsewhere, and its search works without a network."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OpenPage
from tests.documentation.conftest import site  # noqa: F401 (the fixture)


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of requests."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Ignore it."""


@pytest.fixture
def address(site: Path) -> Iterator[str]:  # noqa: F811 (the fixture)
    """The site, served on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_reads_and_searches_without_a_network(open_page: OpenPage, address: str) -> None:
    """The fixture fails where a page logs an error or leaves the machine."""
    visit = open_page(address, "dark")
    visit.page.wait_for_function("typeof document$ !== 'undefined'")  # Material's script is at work
    visit.page.click(".md-search__input")
    visit.page.keyboard.type("promote")
    visit.page.wait_for_selector(".md-search-result__item")
    visit.page.goto(f"{address}/reference/command-line/")
    assert "screen-time promote" in visit.page.inner_text("main")
    assert len(visit.requests) > 5
