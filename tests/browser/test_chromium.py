"""The browser that the other tests here lean on: it notices what they rely on it to notice, and it always ends."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Error

from tests.browser.chromium import Chromium, works
from tests.browser.conftest import OpenPage


def page(directory: Path, body: str) -> str:
    path = directory / "page.html"
    path.write_text(f"<!doctype html><html lang=en><title>t</title><main><h1>t</h1>{body}</main></html>")
    return path.as_uri()


def test_errors_and_requests_off_the_machine_are_noticed(open_page: OpenPage, tmp_path: Path) -> None:
    """Or their absence would prove nothing; the image never arrives, for no name resolves."""
    script = '<img alt="" src="http://example.com/a.png"><script>console.error("broken"); nothing()</script>'
    visit = open_page(page(tmp_path, script))
    assert "broken" in visit.errors
    assert any("nothing is not defined" in error for error in visit.errors)
    assert visit.foreign_requests() == ["http://example.com/a.png"]
    visit.errors.clear()
    visit.requests.clear()


def test_what_a_screen_reader_cannot_tell_is_noticed(open_page: OpenPage, tmp_path: Path) -> None:
    """An image without a text is axe's plainest case."""
    visit = open_page(page(tmp_path, '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'))
    assert [line.split(":")[0] for line in visit.violations()] == ["image-alt"]


def test_a_stuck_page_is_killed_and_leaves_no_process(chromium: Chromium) -> None:
    """A page that never answers fails its call in time, and its browser goes with all its processes."""
    # In a thread, and so with a driver of its own: this one's is shared by the other tests.
    with ThreadPoolExecutor(1) as thread:
        processes = thread.submit(_hang).result(timeout=150)
    assert len(processes) > 1
    assert not [process for process in processes if works(process)]


def _hang() -> list[psutil.Process]:
    with Chromium() as own:
        page = own.browser.new_page()
        processes = own.processes()
        with own.limited(1), pytest.raises(Error):
            page.evaluate("() => { while (true) {} }")
    return processes
