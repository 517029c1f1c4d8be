"""The comparison of two versions as a page."""

from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from training.answers_file import NamedAnswer
from training.compare import VideoComparison
from training.comparison import compare_answers
from training.comparison_page import comparison_page
from training.registry import ResolvedModel

# A picture of one grey pixel.
JPEG = bytes.fromhex(
    "ffd8ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f10"
    "1011100a0c12131210130f101010ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_the_page_can_be_read_by_everyone(open_page: OpenPage, tmp_path: Path, theme: str, width: int) -> None:
    """No violation that axe knows, nothing wider than the window; names are text, whatever they contain."""
    tom, jerry = frozenset({"tom"}), frozenset({"<b>jerry</b>"})
    times = [("ep.mp4", 1000 * second) for second in range(40)]
    one = {key: NamedAnswer(1000, "", tom, tom if index % 3 else jerry) for index, key in enumerate(times)}
    other = {key: NamedAnswer(1000, "", tom, tom if index % 5 else frozenset()) for index, key in enumerate(times)}
    models = [ResolvedModel(tmp_path, "digest", "models:/screen-time/2", "screen-time", each) for each in ("2", "1")]
    comparison = compare_answers(one, other)
    found = VideoComparison("ep.mp4", models[0], models[1], comparison, (one, other), {0: JPEG, 3000: JPEG}, ())
    page = tmp_path / "comparison.html"
    page.write_text(comparison_page(found))
    visit = open_page(page.as_uri(), theme, width)
    assert visit.violations() == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "<b>jerry</b>" in visit.page.inner_text("main")
    assert "Version 2 against version 1" in visit.page.inner_text("h1")
