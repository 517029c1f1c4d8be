"""Answers by name, frame by frame: what two versions can be compared by, and the CSV that keeps them with a run."""

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from screen_time.summary import presence
from training.dataset import Dataset
from training.evaluation import Answers
from training.labels import is_nobody
from training.splits import group_names

HEADER = ("video_sha256", "second", "milliseconds", "group", "shown", "said")
_SEPARATOR = ";"

Names = frozenset[str]
"""The characters of one frame; empty where it shows nobody."""

FrameKey = tuple[str, int]
"""A frame's video (its SHA-256, or its name) and its time in ms."""


@dataclass(frozen=True, slots=True)
class NamedAnswer:
    """One frame: how long it stands for, which group held it out, what it shows and what the model said."""

    milliseconds: int
    group: str
    shown: Names
    said: Names

    @property
    def right(self) -> bool:
        """Whether the model named exactly who is there."""
        return self.shown == self.said


NamedAnswers = dict[FrameKey, NamedAnswer]


def named_answers(
    answers: Answers, dataset: Dataset, manifest: Manifest, present: NDArray[np.bool_] | None = None
) -> NamedAnswers:
    """The answers on a dataset's frames by name; each frame's group is the one that it was held out with.

    `present` (n × labels) is what was counted, where frames were counted by different thresholds.
    """
    groups = group_names(dataset.examples)
    if present is None:
        present = presence(answers.probabilities, manifest)
    found: NamedAnswers = {}
    for row, index in enumerate(answers.indices):
        example = dataset.examples[index]
        shown, said = (names_of(flags, manifest) for flags in (answers.targets[row] == 1, present[row]))
        key = (dataset.sources[example.source].video_sha256, example.time_ms)
        found[key] = NamedAnswer(example.duration_ms, groups[index], shown, said)
    return found


def names_of(flags: NDArray[np.bool_], manifest: Manifest) -> Names:
    """The characters of a row of booleans, one for each of the manifest's labels."""
    return frozenset(
        label for label, there in zip(manifest.labels, flags, strict=True) if there and not is_nobody(label)
    )


def to_csv(answers: NamedAnswers) -> str:
    """The table that is logged with a run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for (video, time_ms), answer in sorted(answers.items()):
        names = (_SEPARATOR.join(sorted(each)) for each in (answer.shown, answer.said))
        writer.writerow([video, f"{time_ms / 1000:.3f}", answer.milliseconds, answer.group, *names])
    return text.getvalue()


def from_csv(text: str) -> NamedAnswers:
    """The table back; raises ValueError where it is none of ours."""
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != HEADER:
        raise ValueError("not a table of answers")
    return {
        (row["video_sha256"], round(float(row["second"]) * 1000)): NamedAnswer(
            int(row["milliseconds"]), row["group"], _names(row["shown"]), _names(row["said"])
        )
        for row in reader
    }


def _names(cell: str) -> Names:
    return frozenset(name for name in cell.split(_SEPARATOR) if name)
