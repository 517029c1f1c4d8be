"""The report in a real browser: it renders, plays, can be used without a mouse or eyes, and keeps to itself."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from demo.clips import ClipSpec, write_clip
from tests.browser.conftest import OpenPage, Visit
from tests.results import measured, scenes

SECONDS = 60
NAME = "ep 1 #ü%20.mp4"
"""A name that has to be quoted in an address, and must be quoted once."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with its video beside it."""
    directory = tmp_path_factory.mktemp("report")
    picture = np.full((48, 64, 3), (30, 90, 200), dtype=np.uint8)
    frames = ((Fraction(number, 5), picture) for number in range(5 * SECONDS))
    write_clip(directory / "clip.mp4", ClipSpec(frame_rate=Fraction(5), gop=25, faststart=True), frames)
    (directory / "clip.mp4").rename(directory / NAME)
    (directory / "report.html").write_bytes(measured(scenes(SECONDS), key=f"incoming/{NAME}").report())
    return directory


def opened(open_page: OpenPage, folder: Path, query: str = "", **how: object) -> Visit:
    return open_page((folder / "report.html").as_uri() + query, **how)


def played_from(page: Page) -> float:
    """Where the video is, once it plays."""
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return !v.hidden && v.currentTime > 0; }"
    )
    return float(page.evaluate("document.querySelector('video').currentTime"))


def stands_near(page: Page, seconds: float) -> None:
    """Waits until the video does. A function: the page's policy lets no text be evaluated a second time."""
    page.wait_for_function(
        "seconds => Math.abs(document.querySelector('video').currentTime - seconds) < 1.5", arg=seconds
    )


@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_anybody_can_use_it_at_any_size(open_page: OpenPage, folder: Path, theme: str, width: int) -> None:
    """No accessibility violation, nothing wider than the screen, and the theme that the reader asked for."""
    visit = opened(open_page, folder, theme=theme, width=width)
    assert visit.violations() == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    brightness = visit.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert brightness < 60 if theme == "dark" else brightness > 200


def test_everything_is_there(open_page: OpenPage, folder: Path) -> None:
    """Headings by which a screen reader moves, pictures that have loaded, and nothing fetched from anywhere."""
    visit = opened(open_page, folder)
    page = visit.page
    headings = page.get_by_role("heading", level=2).all_text_contents()
    assert headings == [
        "Who is on screen",
        "Who is on screen when",
        "The characters",
        "Where the model was least sure",
        "The model",
        "The video and its measurement",
    ]
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    loaded = page.evaluate("[...document.images].map(each => each.complete && each.naturalWidth > 0)")
    assert len(loaded) > 10
    assert all(loaded)
    assert [url for url in visit.requests if not url.startswith("data:")] == [page.url]


def test_a_click_on_the_timeline_plays_from_there(open_page: OpenPage, folder: Path) -> None:
    """The video beside the report is found by its name, however that has to be quoted."""
    page = opened(open_page, folder).page
    box = page.locator("#timeline").bounding_box()
    assert box is not None
    page.locator("#timeline").click(position={"x": box["width"] * 0.75, "y": 40})
    assert played_from(page) == pytest.approx(0.75 * SECONDS, abs=1.5)
    expect(page.locator("video")).to_be_visible()


def test_the_timeline_is_a_slider_for_the_keyboard(open_page: OpenPage, folder: Path) -> None:
    """Arrows move by a sample and say who is there; Enter plays from the position."""
    page = opened(open_page, folder).page
    slider = page.get_by_role("slider", name="Timeline")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    expect(slider).to_have_attribute("aria-valuenow", "13.000")
    expect(slider).to_have_attribute("aria-valuetext", _told(13))
    page.keyboard.press("Enter")
    assert played_from(page) == pytest.approx(13, abs=1.5)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", f"{SECONDS}.000")


def _told(second: int) -> str:
    present = scenes(SECONDS)[second] >= 0.5
    names = sorted(
        (name for name, shown in zip(("jerry", "tom"), present, strict=True) if shown),
        key=lambda name: -float((scenes(SECONDS)[:, ("jerry", "tom").index(name)] >= 0.5).sum()),
    )
    return f"0:{second:02d} {', '.join(names) or 'nobody'}"


def test_pictures_and_tables_play_too(open_page: OpenPage, folder: Path) -> None:
    """Every time that is shown as a link, and every picture."""
    page = opened(open_page, folder).page
    picture = page.locator("button.picture").first
    start = float(picture.get_attribute("data-time") or "nan")
    picture.click()
    stands_near(page, start)
    page.locator("summary").first.click()
    moment = page.locator("details button.moment").nth(1)
    start = float(moment.get_attribute("data-time") or "nan")
    moment.press("Enter")
    stands_near(page, start)


def test_the_link_may_say_where_the_video_is(open_page: OpenPage, folder: Path, tmp_path: Path) -> None:
    """`?video=` holds any address, relative to the report or whole."""
    shutil.copy(folder / NAME, tmp_path / "elsewhere.mp4")
    (tmp_path / "report.html").write_bytes((folder / "report.html").read_bytes())
    page = opened(open_page, tmp_path, "?video=elsewhere.mp4").page
    page.locator("button.picture").first.click()
    played_from(page)
    assert page.evaluate("document.querySelector('video').src").endswith("/elsewhere.mp4")


def test_a_video_that_lies_elsewhere_can_be_chosen(open_page: OpenPage, folder: Path, tmp_path: Path) -> None:
    """The page says that it is not there, and plays the file that the reader picks from the position chosen."""
    (tmp_path / "report.html").write_bytes((folder / "report.html").read_bytes())
    visit = opened(open_page, tmp_path)
    page = visit.page
    page.get_by_role("slider").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("cannot be played")
    expect(page.locator("video")).to_be_hidden()
    assert visit.errors
    assert all("ERR_FILE_NOT_FOUND" in error for error in visit.errors)
    visit.errors.clear()
    page.locator("input[type=file]").set_input_files(folder / NAME)
    assert played_from(page) == pytest.approx(10, abs=1.5)
    expect(page.get_by_role("status")).to_be_empty()


def test_a_link_cannot_make_the_page_run_anything(open_page: OpenPage, folder: Path) -> None:
    """Only addresses of videos are taken from it."""
    page = opened(open_page, folder, "?video=javascript:window.caught=1").page
    page.locator("button.picture").first.click()
    expect(page.get_by_role("status")).to_contain_text("cannot be played")
    assert page.evaluate("window.caught") is None


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>window.caught=1</script>",
        '"><img src=x onerror="window.caught=1">',
        "</script><script>window.caught=1//",
    ],
)
def test_hostile_names_are_only_shown(open_page: OpenPage, tmp_path: Path, hostile: str) -> None:
    """As text, in a browser that would run them."""
    result = measured([[0.9, 0.2]] * 20, (hostile, "tom"), key=f"in/{hostile}")
    (tmp_path / "report.html").write_bytes(result.report())
    page = opened(open_page, tmp_path).page
    expect(page.locator("tbody th").first).to_have_text(hostile)
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.caught") is None


def test_what_the_model_did_not_look_at_is_dark_until_told_otherwise(open_page: OpenPage, folder: Path) -> None:
    """One switch for all pictures."""
    page = opened(open_page, folder).page
    shade = page.locator(".shade").first
    expect(shade).to_have_css("opacity", "1")
    page.get_by_label("Darken what the model did not look at").uncheck()
    expect(shade).to_have_css("opacity", "0")


def test_printing_unfolds_the_tables_and_leaves_the_player_out(open_page: OpenPage, folder: Path) -> None:
    """On paper nothing can be clicked."""
    page = opened(open_page, folder).page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    expect(page.locator(".player")).to_be_hidden()
    expect(page.get_by_label("Darken")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a long video with many characters."""
    directory = tmp_path_factory.mktemp("long")
    labels = tuple(f"character {number}" for number in range(12))
    (directory / "report.html").write_bytes(measured(scenes(7200, 12), labels).report())
    return directory


def test_two_hours_open_at_once(open_page: OpenPage, two_hours: Path) -> None:
    """A long video's report is as quick to use."""
    page = opened(open_page, two_hours, width=390).page
    assert page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") < 15_000
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "7200.000")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
