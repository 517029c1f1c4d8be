"""Which of the candidates is registered: decided by the honest yardstick, never by the random split."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import Manifest
from screen_time.summary import presence
from training.comparison import paired_difference
from training.dataset import Dataset
from training.evaluation import Answers, score
from training.head import Head
from training.splits import BLOCK_MS, are_of_several
from training.validation import Validation


def candidates(head: Head, validation: Validation) -> dict[str, Answers]:
    """Grouped answers of `head` and of each of its members by itself; empty where it was not tested by groups."""
    if "grouped" not in validation.answers:
        return {}
    return {head.name: validation.answers["grouped"], **validation.candidates}


def choose(head: Head, answers: Mapping[str, Answers], dataset: Dataset, manifest: Manifest) -> str:
    """The name of the candidate to register: `head` unless the member of the highest macro F1 is better beyond noise.

    As between two versions: by the interval over blocks of time, and by the frames' own test. Blocks of one video are
    no ground to choose on: the member that was better on them, beyond noise, was nine points worse on another drawing.
    """
    if not answers or not are_of_several(dataset.examples):
        return head.name
    best = max(answers, key=lambda name: score(answers[name], manifest).macro_f1)
    examples = [dataset.examples[index] for index in answers[best].indices]
    blocks = [f"{example.source}/{example.time_ms // BLOCK_MS}" for example in examples]
    found = paired_difference(_right(answers[best], manifest), _right(answers[head.name], manifest), blocks)
    return best if found.better else head.name


def _right(answers: Answers, manifest: Manifest) -> NDArray[np.bool_]:
    """Whether each frame's answer is right for every label."""
    return np.asarray((presence(answers.probabilities, manifest) == (answers.targets == 1)).all(axis=1))
