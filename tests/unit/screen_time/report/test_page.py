"""The report as a file: complete, bounded, and closed to whatever its names contain."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from screen_time.manifest import Semantics
from screen_time.report.page import REPORT_BYTES
from screen_time.report.wording import amount, clock, probability, short, size
from tests.results import measured, scenes

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "'; alert(1); '",
    "javascript:alert(1)//",
    "&lt;b&gt;",
    "\u2028\u202e\x00\x1b[31m",
    "]]>{{7*7}}${7*7}",
    "x" * 1500,
)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._in = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        assert tag
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts.append(data)
        elif self._in != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_report_says_what_the_result_says() -> None:
    """Seconds, share, times, model version and the video, in text that needs neither script nor picture."""
    rows = [[0.9, 0.1]] * 90 + [[0.2, 0.8]] * 40
    text = Elements(measured(rows).report()).text
    for expected in ("ep 1.mp4", "2:10", "90 s", "69.2 %", "40 s", "30.8 %", "640 × 360", "h264", "screen-time"):
        assert expected in text
    assert "abababab" in text


def test_seconds_have_their_interval_where_the_result_has_one() -> None:
    """The model's honest range, beside the figure."""
    result = measured([[0.9, 0.1]] * 90)
    before = Elements(result.report()).text
    assert "87.0 to 95.5 s" not in before
    assert "not known for this version" in before
    result.document["characters"]["jerry"]["seconds_interval"] = [87.0, 95.5]
    text = Elements(result.report()).text
    assert "87.0 to 95.5 s" in text
    assert "In nine of ten videos" in text
    assert "not known for this version" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_from_outside_stay_text(hostile: str) -> None:
    """A key or a label is never an element, an attribute or a script."""
    rows = [[0.9, 0.6]] * 12
    plain = Elements(measured(rows, ("jerry", "tom"), key="a/b.mp4").report())
    page = measured(rows, (hostile, "tom"), key=f"a/{hostile}").report(video_addresses=(hostile,))
    parsed = Elements(page)
    assert [tag for tag, _ in parsed.found] == [tag for tag, _ in plain.found]
    assert [set(attributes) for _, attributes in parsed.found] == [set(attributes) for _, attributes in plain.found]
    assert len(parsed.scripts) == 2
    assert json.loads(parsed.scripts[0])["video"][0] == hostile
    assert short(hostile) in parsed.text


def test_only_the_page_s_own_style_and_script_are_allowed() -> None:
    """Their digests stand in the policy; what an injection might bring has none."""
    page = measured([[0.9, 0.1]] * 5).report().decode()
    parsed = Elements(page.encode())
    (policy,) = (each["content"] for each in parsed.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    for rule, text in (("style-src", style[1]), ("script-src", parsed.scripts[1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not [attributes for _, attributes in parsed.found if "style" in attributes]


def test_a_report_refers_to_nothing_outside_itself() -> None:
    """Pictures are in it; there is no link, frame, style sheet or script elsewhere."""
    parsed = Elements(measured(scenes(60)).report())
    addresses = [value for _, attributes in parsed.found for key, value in attributes.items() if key in ("src", "href")]
    assert addresses
    assert all(str(address).startswith("data:image/") for address in addresses)


@pytest.mark.parametrize(
    ("characters", "longest"), [(2, 20), (2, 1), (40, 2), (80, 20)], ids=["usual", "flicker", "many", "too many"]
)
def test_two_hours_fit_into_two_megabytes(characters: int, longest: int) -> None:
    """Whatever the video: pictures of noise, and characters who come and go each second."""
    noise = np.random.default_rng(2).integers(0, 255, (4, 90, 160, 3), dtype=np.uint8)
    labels = tuple(f"character number {number}" for number in range(characters))
    result = measured(scenes(7200, characters, longest=longest), labels, pictures=noise)
    assert len(result.report()) < REPORT_BYTES


def test_pictures_that_do_not_fit_are_left_out_by_importance() -> None:
    """Noise at full size takes more than a report has room for: each character's best is shown before second bests."""
    noise = np.random.default_rng(2).integers(0, 255, (4, 360, 640, 3), dtype=np.uint8)
    labels = tuple(f"c{number}" for number in range(10))
    page = measured(scenes(600, 10), labels, pictures=noise).report()
    assert len(page) < REPORT_BYTES
    parsed = Elements(page)
    shown = [str(each["aria-label"]) for each in parsed.of("button") if each.get("class") == "picture"]
    assert all(any(f": {label}, " in title for title in shown) for label in labels)


def test_pictures_play_from_their_time() -> None:
    """Each has its time, and a name for who does not see it."""
    parsed = Elements(measured(scenes(60)).report())
    buttons = [each for each in parsed.of("button") if each.get("class") == "picture"]
    assert buttons
    assert all(
        float(str(each["data-time"])) < 60 and str(each["aria-label"]).startswith("Play from") for each in buttons
    )


def test_a_report_needs_neither_maps_nor_anybody_on_screen() -> None:
    """Models that do not tell where they looked, and videos in which nobody is."""
    result = measured([[0.1, 0.1]] * 5, maps=False)
    parsed = Elements(result.report())
    assert "Never on screen." in parsed.text
    assert not [each for each in parsed.of("img") if each.get("class") == "shade"]


def test_damage_is_told_before_any_figure() -> None:
    """A result of half a file must not look like one of the whole."""
    result = measured([[0.9, 0.1]] * 5)
    result.document["counters"].update(truncated=True, corrupt_packets=3)
    text = Elements(result.report()).text
    assert 0 < text.index("ends before its header says") < text.index("Who is on screen")
    assert "3 damaged packets" in text


def test_exclusive_models_have_a_lane_for_nobody_by_its_label() -> None:
    """Its curve is that label's probability."""
    rows = [[0.8, 0.1, 0.1]] * 3 + [[0.1, 0.8, 0.1]] * 3
    result = measured(rows, ("neither", "jerry", "tom"), nobody="neither", semantics=Semantics.EXCLUSIVE)
    data = json.loads(Elements(result.report()).scripts[0])
    lanes: dict[str, Any] = {lane["name"]: lane["blocks"] for lane in data["lanes"]}
    assert lanes == {"jerry": [3.0, 6.0], "tom": [], "nobody": [0.0, 3.0]}


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0:00"), (7, "0:07"), (59.9996, "1:00"), (61.5, "1:01.5"), (3723, "1:02:03")]
)
def test_times_read_as_a_player_shows_them(value: float, text: str) -> None:
    """Rounded to the millisecond before it is split, so that no second has sixty."""
    assert clock(value) == text


def test_numbers_are_worded_without_false_certainty() -> None:
    """99.7 % is not 100 %, and what is there is not 0 %."""
    assert [probability(value) for value in (None, 0, 0.004, 0.5, 0.997, 1)] == [
        "–",
        "0 %",
        "<1 %",
        "50 %",
        ">99 %",
        "100 %",
    ]
    assert (amount(96), amount(3.48), amount(7200)) == ("96 s", "3.48 s", "7,200 s")
    assert (size(12), size(5_000_000)) == ("12 bytes", "4.8 MiB")
