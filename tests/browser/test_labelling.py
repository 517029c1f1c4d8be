"""The labelling page, with one hand on the keyboard of a real browser."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page

from labelling.job import Job, JobOptions, open_job
from labelling.server import LabellingServer
from labelling.sheet import Mark, Sheet
from screen_time.manifest import Semantics
from tests.browser.conftest import OpenPage, Visit
from tests.models import write_colour_model
from training.labels import read_label_file
from training.registry import resolve
from training.reporting import Silent

CAST = ("red", "green", "blue")
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "grey": (120, 118, 119)}
KEYS = {"red": "1", "green": "2", "blue": "3"}

Serve = Callable[..., LabellingServer]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves a folder of frames of the given colours, with a model that knows colours where it is asked for."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path / "cache"))
    running: list[tuple[LabellingServer, Job]] = []

    def start(shown: list[str], suggesting: Semantics | None = None, port: int | None = None) -> LabellingServer:
        job = _job(tmp_path, shown, suggesting)
        server = LabellingServer(job, port)
        if job.suggestions is not None:
            job.suggestions.start()
        threading.Thread(target=server.serve, daemon=True).start()
        running.append((server, job))
        return server

    yield start
    for server, job in running:
        server.close()
        if job.suggestions is not None:
            job.suggestions.stop()


def _job(folder: Path, shown: list[str], suggesting: Semantics | None) -> Job:
    frames = folder / "frames"
    frames.mkdir(exist_ok=True)
    for second, colour in enumerate(shown):
        image = np.full((36, 64, 3), COLOURS[colour][::-1], dtype=np.uint8)
        cv2.imwrite(str(frames / f"frame{second}.jpg"), image)
    model = None
    if suggesting is not None:
        write_colour_model(folder / "model", CAST, suggesting)
        model = resolve(str(folder / "model"))
    return open_job(frames, folder / "labels.csv", JobOptions(("nobody", *CAST)), model, Silent())


def ready(visit: Visit, *, suggestions: bool = False) -> Page:
    """The page as soon as it can be used."""
    visit.page.wait_for_selector("html[data-ready=true]")
    if suggestions:
        visit.page.wait_for_selector("html[data-suggestions=complete]")
    return visit.page


def wait_until_saved(page: Page) -> None:
    page.wait_for_selector("#saved[data-state=saved]")


def labelled(folder: Path) -> list[set[str]]:
    """What training would read."""
    return [set(each.labels) for each in read_label_file(folder / "labels.csv").times]


def test_fifty_frames_by_keyboard_with_a_reload_in_the_middle(
    serve: Serve, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow disk, and reloaded before the last keys were saved: not one of them is lost."""
    truth = [CAST[second * 7 % 3] for second in range(50)]
    change = Sheet.change

    def slow_change(sheet: Sheet, marks: Sequence[tuple[int, Mark]]) -> None:
        time.sleep(0.2)
        change(sheet, marks)

    monkeypatch.setattr(Sheet, "change", slow_change)
    visit = open_page(serve(["red"] * 50).link)
    page = ready(visit)
    for name in truth[:25]:
        page.keyboard.press(KEYS[name])
    assert page.locator("#saved").get_attribute("data-state") == "saving", "the reload must come too early"
    page.reload()
    page = ready(visit)
    assert "25 of 50" in page.inner_text("#progress")
    for name in truth[25:]:
        page.keyboard.press(KEYS[name])
    wait_until_saved(page)
    assert labelled(tmp_path) == [{name} for name in truth]
    assert "50 of 50" in page.inner_text("#progress")


def test_what_was_pressed_while_the_server_was_gone_is_saved_by_the_next_one(
    serve: Serve, open_page: OpenPage, tmp_path: Path
) -> None:
    """The command was ended, the page was still open, and was closed."""
    first = serve(["red"] * 6)
    visit = open_page(first.link)
    page = ready(visit)
    page.keyboard.press("1")
    wait_until_saved(page)
    first.close()
    page.keyboard.press("2")
    page.keyboard.press("3")
    page.wait_for_selector("#saved[data-state=problem]")
    assert "nothing is lost" in page.inner_text("#saved")
    assert labelled(tmp_path) == [{"red"}]
    visit.page.goto("about:blank")
    visit.errors.clear()  # the browser's own, for each request that nobody answered
    again = serve(["red"] * 6, port=int(first.origin.rpartition(":")[2]))
    visit.page.goto(again.link)
    wait_until_saved(ready(visit))
    assert labelled(tmp_path) == [{"red"}, {"green"}, {"blue"}]


@pytest.mark.parametrize("semantics", [Semantics.EXCLUSIVE, Semantics.INDEPENDENT])
def test_suggestions_that_are_mostly_right_cost_a_key_a_frame(
    serve: Serve, open_page: OpenPage, tmp_path: Path, semantics: Semantics
) -> None:
    """300 frames, of which the model has 30 wrong: 1.0 key presses each, or 1.1 where a frame may show several."""
    truth = [CAST[second // 20 % 3] for second in range(300)]
    seen_by_model = [CAST[(CAST.index(name) + (second % 10 == 3)) % 3] for second, name in enumerate(truth)]
    page = ready(open_page(serve(seen_by_model, suggesting=semantics).link), suggestions=True)
    several = semantics is Semantics.INDEPENDENT
    pressed = 0
    for name, suggested in zip(truth, seen_by_model, strict=True):
        for key in keys_for(name, suggested, several=several):
            page.keyboard.press(key)
            pressed += 1 + key.count("+")
    wait_until_saved(page)
    assert labelled(tmp_path) == [{name} for name in truth]
    assert pressed / len(truth) == (1.1 if several else 1.0)


def keys_for(name: str, suggested: str, *, several: bool) -> list[str]:
    """What a labeller presses who sees `name` while the page suggests `suggested`."""
    if name == suggested:
        return ["Enter"]
    return [f"Shift+{KEYS[name]}" if several else KEYS[name]]


def test_a_frame_may_show_several_characters(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """Each key switches one on or off, from what is suggested; every press is saved, Enter only goes on."""
    page = ready(open_page(serve(["red", "blue"], suggesting=Semantics.INDEPENDENT).link), suggestions=True)
    for key in ("2", "3", "2", "Enter", "0"):
        page.keyboard.press(key)
    wait_until_saved(page)
    assert labelled(tmp_path) == [{"red", "blue"}, {"nobody"}]


def test_without_a_model_a_run_of_the_same_is_one_key_a_frame(
    serve: Serve, open_page: OpenPage, tmp_path: Path
) -> None:
    """What the frame before shows is offered; undo takes back one step each, across a reload."""
    visit = open_page(serve(["red"] * 5).link)
    page = ready(visit)
    page.keyboard.press("Enter")
    assert "press a character's key" in page.inner_text("#said")
    for key in ("g", "Space", "Enter", "0"):
        page.keyboard.press(key)
    wait_until_saved(page)
    assert labelled(tmp_path) == [{"green"}, {"green"}, {"green"}, {"nobody"}]
    page.reload()
    page = ready(visit)
    page.keyboard.press("Backspace")
    page.keyboard.press("Control+z")
    wait_until_saved(page)
    assert labelled(tmp_path) == [{"green"}, {"green"}]
    assert page.evaluate("page.at") == 2


def test_unlabelled_and_least_certain_frames_are_a_key_away(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """So are a second character, a frame that nobody can tell, and the way back."""
    server = serve(["red", "green", "grey", "red"], suggesting=Semantics.EXCLUSIVE)
    page = ready(open_page(server.link), suggestions=True)
    assert "suggested by the model" in page.inner_text("#origin")
    page.keyboard.press(",")
    assert page.evaluate("page.at") == 2
    page.keyboard.press("1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+3")
    page.keyboard.press("-")
    wait_until_saved(page)
    times = read_label_file(tmp_path / "labels.csv").times
    assert [(time.time_ms, set(time.labels), time.uncertain) for time in times] == [(2000, {"red", "blue"}, True)]
    page.keyboard.press(".")
    assert page.evaluate("page.at") == 3
    page.keyboard.press(".")
    assert page.evaluate("page.at") == 0


def test_the_mouse_leaves_the_keyboard_free(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """After a click Enter still accepts; a button reached with Tab takes Enter for itself."""
    page = ready(open_page(serve(["red"] * 5).link))
    page.click("text=green")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    assert labelled(tmp_path) == [{"green"}, {"green"}]
    page.focus("[data-command=previous]")
    page.keyboard.press("Enter")
    assert page.evaluate("page.at") == 1


@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 820), ("light", 390), ("dark", 1400)])
def test_it_can_be_used_without_seeing_it_or_its_colours(
    serve: Serve, open_page: OpenPage, theme: str, width: int
) -> None:
    """No violation that axe knows, with labelled, suggested and open frames, and with the help open."""
    visit = open_page(serve(["red", "green", "blue"] * 5, suggesting=Semantics.EXCLUSIVE).link, theme, width)
    page = ready(visit, suggestions=True)
    for key in ("1", "Enter", "0", "-"):
        page.keyboard.press(key)
    wait_until_saved(page)
    assert visit.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("?")
    assert visit.violations() == []


def test_a_page_without_the_key_says_what_to_do(serve: Serve, open_page: OpenPage) -> None:
    """A bookmark of yesterday's."""
    visit = open_page(serve(["red"]).origin)
    visit.expected = "status of 403"  # the browser's own, for the page and for its icon: they come when they come
    body: Any = visit.page.inner_text("body")
    assert "Open the link that `screen-time label` printed" in body
