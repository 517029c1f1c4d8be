"""HTML that cannot be broken by what it holds: every text is escaped, and only markup made here is not."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

VOID = frozenset({"img", "input", "meta", "br", "path", "rect", "line"})
"""Elements without an end tag; SVG's shapes are closed in the same way."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Markup | None
"""Plain text is escaped; None is nothing."""

Attribute = str | int | float | bool | None
"""True is an attribute without a value; False and None are none."""


def element(tag: str, /, *children: Child | Iterable[Child], **attributes: Attribute) -> Markup:
    """An element. Attributes' names may end in `_` (`class_`), and `_` inside them stands for `-` (`aria_label`)."""
    opening = "".join([tag, *(_attribute(key, value) for key, value in attributes.items())])
    if tag in VOID:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{joined(*children)}</{tag}>")


def joined(*children: Child | Iterable[Child]) -> Markup:
    """Several pieces one after the other."""
    return Markup("".join(_escaped(child) for child in children))


def json_for_script(value: Mapping[str, Any]) -> Markup:
    """JSON as the content of a script element, out of which nothing leads."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _escaped(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    return joined(*child)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
