"""The characters that a report shows, in which order and colour."""

from dataclasses import dataclass

from screen_time.documents import Document

MOST = 60
"""Characters that are shown; a model with more has a report of those with the most time."""

COLOURS = 8
"""Colours of the style sheet, which come again after that."""

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Role:
    """A character: its label, the class of its colour, and what the document says of it."""

    name: str
    colour: str
    found: Document


@dataclass(frozen=True, slots=True)
class Cast:
    """The characters shown, by their time on screen, and how many are left out."""

    shown: tuple[Role, ...]
    left_out: int


def cast(document: Document) -> Cast:
    """The cast of a result. A character's colour depends on the model only, so that reports can be compared."""
    roles = [
        Role(name, f"c{number % COLOURS}", found) for number, (name, found) in enumerate(document["characters"].items())
    ]
    roles.sort(key=lambda role: -role.found["seconds"])
    return Cast(tuple(roles[:MOST]), max(0, len(roles) - MOST))
