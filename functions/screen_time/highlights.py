"""The moments worth showing of a video: each character's best ones and the least certain ones, few and small.

They are chosen while a video is measured, from the frames as the model saw them, and only what is chosen is kept. The
choice does not depend on the order or the parts in which a video is read: parts measured apart and merged give what
one measurement gives.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Answer, Probabilities
from screen_time.manifest import Manifest
from screen_time.summary import LEAST_CERTAIN, margins, presence
from screen_time.thumbnail import Thumbnail, draw

BEST = 4
"""Moments kept of each character; fewer where there are many characters."""

MOST = 48
"""Moments kept of all characters together, but one of each."""

APART_MS = 10_000
"""Of each ten seconds one moment of a character at most: neighbours in time are nearly the same picture."""

Rank = tuple[float, ...]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample: its time, its probability for each label, its margin as summary.margins has it, and its picture.

    `label` is the one whose map the picture shows.
    """

    time_ms: int
    label: str
    probabilities: tuple[float, ...]
    margin: float
    thumbnail: Thumbnail

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        picture = self.thumbnail
        return {
            "time_ms": self.time_ms,
            "label": self.label,
            "probabilities": list(self.probabilities),
            "margin": self.margin,
            "width": picture.width,
            "height": picture.height,
            "jpeg": base64.b64encode(picture.jpeg).decode(),
            "shade": None if picture.shade is None else base64.b64encode(picture.shade).decode(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The moment that `to_json` wrote."""
        shade = document["shade"]
        thumbnail = Thumbnail(
            document["width"],
            document["height"],
            base64.b64decode(document["jpeg"]),
            None if shade is None else base64.b64decode(shade),
        )
        return cls(
            document["time_ms"],
            document["label"],
            tuple(document["probabilities"]),
            document["margin"],
            thumbnail,
        )


@dataclass(frozen=True, slots=True)
class Highlights:
    """Each character's best moments, the best first, and the least certain moments of all, the least certain first."""

    characters: Mapping[str, tuple[Moment, ...]]
    least_certain: tuple[Moment, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "characters": {name: [moment.to_json() for moment in best] for name, best in self.characters.items()},
            "least_certain": [moment.to_json() for moment in self.least_certain],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The highlights that `to_json` wrote."""
        return cls(
            {name: tuple(map(Moment.from_json, best)) for name, best in document["characters"].items()},
            tuple(map(Moment.from_json, document["least_certain"])),
        )


def merged(parts: Iterable[Highlights], manifest: Manifest) -> Highlights:
    """The highlights of a video that was measured in parts: what measuring it at once would have kept."""
    collector = Collector(manifest)
    for part in parts:
        collector.take(part)
    return collector.highlights()


class Collector:
    """Chooses among the samples of a video as they come, and holds only what is chosen."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        each = max(1, min(BEST, MOST // max(1, len(manifest.characters))))
        self._characters: dict[str, _Best[int]] = {name: _Best(each) for name in manifest.characters}
        self._least_certain: _Best[int] = _Best(LEAST_CERTAIN)

    def add(self, start_ms: Sequence[int], frames: NDArray[np.uint8], answer: Answer) -> None:
        """Look at samples: their times (n), their frames as the model saw them, and what it answered."""
        rows = answer.probabilities
        present = presence(rows, self._manifest)
        leads = margins(rows, self._manifest)
        for index, time_ms in enumerate(start_ms):
            shown = _Shown(time_ms, rows[index], float(leads[index]), frames[index], self._map(answer, index))
            for column, label in enumerate(self._manifest.labels):
                if label in self._characters and present[index, column]:
                    self._offer_best(label, time_ms, float(rows[index, column]), shown.moment(label, column))
            likeliest = int(rows[index].argmax())
            label = self._manifest.labels[likeliest]
            self._offer_least_certain(time_ms, shown.margin, shown.moment(label, likeliest))

    def take(self, part: Highlights) -> None:
        """Look at what was chosen from another part of the same video."""
        columns = {label: column for column, label in enumerate(self._manifest.labels)}
        for name, best in part.characters.items():
            for moment in best:
                self._offer_best(name, moment.time_ms, moment.probabilities[columns[name]], _made(moment))
        for moment in part.least_certain:
            self._offer_least_certain(moment.time_ms, moment.margin, _made(moment))

    def highlights(self) -> Highlights:
        """What is chosen so far."""
        return Highlights(
            {name: best.moments() for name, best in self._characters.items()}, self._least_certain.moments()
        )

    def _offer_best(self, label: str, time_ms: int, probability: float, make: "Make") -> None:
        """By probability; among those that are as good as equal, spread over the video."""
        slot = time_ms // APART_MS
        self._characters[label].offer(slot, (round(probability, 2), _scattered(slot), probability, -time_ms), make)

    def _offer_least_certain(self, time_ms: int, margin: float, make: "Make") -> None:
        self._least_certain.offer(time_ms, (-margin, -time_ms), make)

    @staticmethod
    def _map(answer: Answer, index: int) -> NDArray[np.float32] | None:
        return None if answer.maps is None else answer.maps[index]


Make = Callable[[], Moment]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A sample whose picture is drawn only if it is chosen."""

    time_ms: int
    probabilities: Probabilities
    margin: float
    frame: NDArray[np.uint8]
    maps: NDArray[np.float32] | None

    def moment(self, label: str, column: int) -> Make:
        def make() -> Moment:
            where = None if self.maps is None else self.maps[:, :, column]
            values = tuple(map(float, self.probabilities))
            return Moment(self.time_ms, label, values, self.margin, draw(self.frame, where))

        return make


def _made(moment: Moment) -> Make:
    return lambda: moment


class _Best(Generic[Key]):
    """The `size` highest-ranked of one moment a key.

    The highest of each key and then the highest of all: neither depends on the order in which moments are offered,
    and nothing that was dropped could have come back.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Key, tuple[Rank, Moment]] = {}

    def offer(self, key: Key, rank: Rank, make: Make) -> None:
        if key in self._kept:
            rival: Key | None = key
        elif len(self._kept) < self._size:
            rival = None
        else:
            rival = min(self._kept, key=lambda each: self._kept[each][0])
        if rival is not None:
            if rank <= self._kept[rival][0]:
                return
            del self._kept[rival]
        self._kept[key] = (rank, make())

    def moments(self) -> tuple[Moment, ...]:
        """From the highest rank down."""
        return tuple(moment for _, moment in sorted(self._kept.values(), key=lambda pair: pair[0], reverse=True))


def _scattered(slot: int) -> float:
    """A number for each slot that has nothing to do with its neighbours' (Knuth's multiplicative hash)."""
    return float(slot * 2_654_435_761 % 2**32)
