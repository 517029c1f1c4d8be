"""What MkDocs calls while it builds: adds the pages made from README and code, and keeps links inside the site."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "functions")]  # MkDocs loads this file by its path

from documentation import reference  # noqa: E402

GENERATED: Mapping[str, Callable[[], str]] = {
    "reference/command-line.md": reference.command_line,
    "reference/settings.md": reference.settings,
    "reference/result-schema.md": lambda: reference.schema(ROOT / "docs" / "screen-time.schema.json"),
    "reference/error-schema.md": lambda: reference.schema(ROOT / "docs" / "error.schema.json"),
}

_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that the navigation does not name at its end, so that none is without a way to it."""
    named = set(_named(config.nav))
    pages = sorted(path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir).rglob("*.md"))
    more: list[Any] = [page for page in pages if page not in named]
    if more and config.nav is not None:
        config.nav.insert(len(config.nav) - 1, {"More": more})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the start page, which is the README, and the reference."""
    files.append(File.generated(config, "index.md", content=_start_page()))
    for address, make in GENERATED.items():
        files.append(File.generated(config, address, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to what is no part of the site (template.yaml, a source file) become plain names."""
    del config
    here = Path(page.file.src_uri).parent

    def inside(match: re.Match[str]) -> str:
        target = Path(*_resolved(here / match[2])).as_posix()
        return match[0] if files.get_file_from_path(target) else f"`{match[1].strip('`')}`"

    return _LINK.sub(inside, markdown)


def _start_page() -> str:
    """The README, whose links begin at the project's root."""
    return re.sub(r"\]\(docs/", "](", (ROOT / "README.md").read_text(encoding="utf-8"))


def _named(nav: Any) -> list[str]:  # noqa: ANN401 (as YAML has it)
    if isinstance(nav, str):
        return [nav]
    if isinstance(nav, dict):
        return [page for part in nav.values() for page in _named(part)]
    return [page for part in nav or [] for page in _named(part)]


def _resolved(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return parts
