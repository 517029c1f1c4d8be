"""The documentation's screenshots, made from the real parts: `make screenshots`.

Draws the demo's cartoon, trains two versions, and photographs the labelling page, a report and a comparison in Debian's
Chromium. Takes some minutes; the pictures are committed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from demo.episodes import write_episode

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PLACE = ROOT / "build" / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CLASSES = "neither,fox,owl"
VERSION_2 = "models:/screen-time/2"
SECONDS = 900
"""The longest that one command may take."""


def main() -> None:
    """Make every picture anew."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    first, second = write_episode(PLACE, 1), write_episode(PLACE, 2)
    little = write_episode(PLACE / "little", 1, seconds=32)
    encore = write_episode(PLACE / "encore", 2, seconds=60, seed=3)
    for episode in (little, first):  # version 1 has seen too little, which the comparison shows
        _run("train", "--video", str(episode.video), "--labels", str(episode.labels), "--classes", CLASSES)
    _run("promote", "1")
    _run("predict", str(second.video), "--model", VERSION_2)
    page = PLACE / "comparison.html"
    _run("compare", "2", "--video", str(encore.video), "--labels", str(encore.labels), "--out", str(page))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        _labelling(browser, second.video)
        _photograph(browser, (PLACE / "results" / second.video.name / "report.html").as_uri(), "report.png", 1100)
        _photograph(browser, page.as_uri(), "comparison.png", 1000)
        browser.close()


def _labelling(browser: Browser, video: Path) -> None:
    """The page after some frames, with suggestions for the others."""
    with _label(video) as link, _opened(browser, link, 860) as page:
        page.wait_for_selector("html[data-suggestions=complete]", timeout=SECONDS * 1000)
        for _ in range(14):
            page.keyboard.press("Enter")
        page.wait_for_selector("#saved[data-state=saved]")
        page.wait_for_timeout(500)  # the frames ahead are still being loaded
        page.screenshot(path=IMAGES / "labelling.png")


def _photograph(browser: Browser, address: str, name: str, height: int) -> None:
    with _opened(browser, address, height) as page:
        page.screenshot(path=IMAGES / name)


@contextmanager
def _opened(browser: Browser, address: str, height: int) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": height}, color_scheme="light")
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@contextmanager
def _label(video: Path) -> Iterator[str]:
    """`screen-time label` as long as the body runs; yields its link."""
    command = [_screen_time(), "label", str(video), "--labels", "own.csv", "--model", VERSION_2, "--no-browser"]
    with subprocess.Popen(command, cwd=PLACE, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            yield line.removeprefix("Label at ").strip()
        finally:
            process.terminate()


def _run(*arguments: str) -> None:
    subprocess.run([_screen_time(), *arguments], cwd=PLACE, env=_environment(), check=True, timeout=SECONDS)


def _screen_time() -> str:
    return str(Path(sys.executable).with_name("screen-time"))


def _environment() -> dict[str, str]:
    """The user's, with a registry of its own."""
    return {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{PLACE / 'mlflow.db'}"}


if __name__ == "__main__":
    main()
