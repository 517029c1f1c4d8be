"""The documentation site: complete, made from the code, and asking nobody else for anything."""

import inspect
import json
import re
from html.parser import HTMLParser
from pathlib import Path

from cli.main import app
from screen_time import settings
from tests.documentation.conftest import ROOT

LOADED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "object": "data"}
"""What a browser fetches by itself; a link that a reader may follow is another matter."""


class Fetched(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        found = dict(attrs)
        address = found.get(LOADED.get(tag, ""))
        if address and found.get("rel") != "canonical":
            self.addresses.append(address)


def text(site: Path, page: str) -> str:
    """A page's words, without markup and whatever space lies between them."""
    html = (site / page / "index.html").read_text()
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """No font, no script, no picture: the site works where there is no network."""
    for page in site.rglob("*.html"):
        fetched = Fetched()
        fetched.feed(page.read_text())
        assert fetched.addresses, page
        assert [address for address in fetched.addresses if re.match(r"(https?:)?//", address)] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text()), sheet


def test_every_page_of_the_documentation_is_there(site: Path) -> None:
    """Whoever adds one."""
    for page in (ROOT / "docs").rglob("*.md"):
        place = page.relative_to(ROOT / "docs").with_suffix("")
        assert (site / place / "index.html").exists(), page
        navigation = (site / "index.html").read_text()
        assert f'href="{place.as_posix()}/"' in navigation, f"no way to {page}"


def test_the_reference_knows_every_command(site: Path) -> None:
    """With its example."""
    words = text(site, "reference/command-line")
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"screen-time {(command.name or command.callback.__name__).replace('_', '-')}" in words
    assert "[cyan]" not in words


def test_the_reference_knows_every_parameter_and_setting(site: Path) -> None:
    """As the template and the function have them."""
    words = text(site, "reference/settings")
    template = (ROOT / "template.yaml").read_text()
    parameters = re.findall(
        r"^  (\w+):$", template.partition("\nParameters:\n")[2].partition("\n\nConditions")[0], re.M
    )
    assert len(parameters) > 10
    assert [name for name in parameters if name not in words] == []
    read = set(re.findall(r"\"([A-Z][A-Z_]{4,})\"", inspect.getsource(settings)))
    assert "SAMPLE_INTERVAL_SECONDS" in read
    assert [name for name in sorted(read) if name not in words and not name.startswith("AWS_")] == []


def test_the_reference_knows_every_field_of_the_result(site: Path) -> None:
    """And offers the schema itself."""
    words = text(site, "reference/result-schema")
    schema = json.loads((ROOT / "docs" / "screen-time.schema.json").read_text())
    for name in schema["properties"]:
        assert name in words
    assert "characters.NAME.segments[].start" in words
    assert json.loads((site / "screen-time.schema.json").read_text()) == schema
