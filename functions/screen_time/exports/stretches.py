"""A result's segments as formats want them: one after the other, in whole milliseconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from screen_time.documents import Document


@dataclass(frozen=True, slots=True)
class Stretch:
    """Milliseconds from the video's start, the end exclusive, with who is on screen and how surely."""

    start_ms: int
    end_ms: int
    confidences: tuple[tuple[str, float], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The characters, in the model's order."""
        return tuple(name for name, _ in self.confidences)


def segments(document: Document) -> Iterator[Stretch]:
    """Every character's segments, by their start; those of different characters may overlap."""
    every = [
        Stretch(milliseconds(each["start"]), milliseconds(each["end"]), ((name, each["confidence"]),))
        for name, found in document["characters"].items()
        for each in found["segments"]
    ]
    yield from sorted(every, key=lambda stretch: (stretch.start_ms, stretch.end_ms))


def casts(document: Document) -> Iterator[Stretch]:
    """The video cut wherever somebody comes or goes, without the stretches in which nobody is: none overlap."""
    starting: dict[int, list[Stretch]] = {}
    edges: set[int] = set()
    for segment in segments(document):
        starting.setdefault(segment.start_ms, []).append(segment)
        edges |= {segment.start_ms, segment.end_ms}
    order = {name: number for number, name in enumerate(document["characters"])}
    current: list[Stretch] = []
    for start, end in pairwise(sorted(edges)):
        current = [each for each in current if each.end_ms > start] + starting.get(start, [])
        if current:
            present = sorted((pair for each in current for pair in each.confidences), key=lambda pair: order[pair[0]])
            yield Stretch(start, end, tuple(present))


def milliseconds(seconds: float) -> int:
    """A document's seconds, which are whole milliseconds."""
    return round(seconds * 1000)


def one_line(text: str) -> str:
    """A name without what would end a line of a text format."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def file_name(document: Document) -> str:
    """The video's own name."""
    key: str = document["video"]["key"]
    return key.rpartition("/")[2] or key
