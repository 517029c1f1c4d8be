"""A real browser for what people look at: one for all tests here, a fresh profile for each page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.chromium import CALL_SECONDS, EXECUTABLE, Chromium

TEST_SECONDS = 100
"""Of one test; then the browser is killed under it."""

HERE = {"127.0.0.1", "localhost", ""}
"""Hosts on this machine; files, data and blobs have none."""


@dataclass
class Visit:
    """A page, and what it did behind its reader's back; errors that say what is `expected` are none."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected: str | None = None

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def unexpected(self) -> list[str]:
        """Errors and warnings so far."""
        return [error for error in self.errors if self.expected is None or self.expected not in error]

    def foreign_requests(self) -> list[str]:
        """Requests that would leave this machine."""
        return [url for url in self.requests if (urlsplit(url).hostname or "") not in HERE]

    def violations(self) -> list[str]:
        """What axe finds wrong for people who do not see the page, or not well: a line for each element."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


OpenPage = Callable[..., Visit]
"""`open_page(address, theme="light", width=1280, height=900)`."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Chromium]:
    """The browser; ended when the tests of this directory are."""
    if not EXECUTABLE.exists():
        pytest.skip(f"no browser at {EXECUTABLE} (Debian's package chromium)")
    with Chromium() as running:
        yield running


@pytest.fixture
def open_page(chromium: Chromium) -> Iterator[OpenPage]:
    """Opens a page in a profile of its own; afterwards no page may have logged an error or left the machine."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_in_profile(address: str, theme: str = "light", width: int = 1280, height: int = 900) -> Visit:
        context = chromium.browser.new_context(
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(CALL_SECONDS * 1000)
        visit = Visit(context.new_page())
        visits.append(visit)
        visit.page.goto(address)
        return visit

    with chromium.limited(TEST_SECONDS):
        yield open_in_profile
        for context in contexts:
            context.close()
    assert [error for visit in visits for error in visit.unexpected()] == []
    assert [url for visit in visits for url in visit.foreign_requests()] == []
