"""The classic head beside every other one, on the same splits: what a registered version is better than.

Fitting it takes longer than everything else together, so its answers are cached by what they depend on.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from screen_time.manifest import Manifest
from training.dataset import Dataset
from training.environment import cache_directory, store_arrays
from training.evaluation import Answers
from training.head_classic import BASELINE
from training.material import Material, backbone_for, embed
from training.reporting import Reporter
from training.splits import group_names
from training.validation import validate
from training.weights import Tensors

_RECIPE = 3
"""Counted up whenever the baseline's answers change for the same data."""


def baseline_answers(
    dataset: Dataset, manifest: Manifest, vgg16: Tensors, seed: int, reporter: Reporter
) -> Mapping[str, Answers]:
    """The classic head's answers on held-out frames, by split (`random`, `grouped`)."""
    material = embed(dataset, BASELINE, backbone_for(BASELINE, dataset, vgg16), reporter)
    path = cache_directory("baselines") / f"{_digest(material, seed)}.npz"
    if not path.exists():
        answers = validate(BASELINE, material, manifest, seed, reporter, curve=False).answers
        _store(path, answers)
    return _load(path)


def _digest(material: Material, seed: int) -> str:
    """Of everything that the answers depend on."""
    dataset = material.dataset
    parts = [
        material.examples.vectors.tobytes(),
        dataset.targets.tobytes(),
        dataset.durations_ms.tobytes(),
        repr((group_names(dataset.examples), _RECIPE, seed, dataset.scheme.semantics)).encode(),
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _store(path: Path, answers: Mapping[str, Answers]) -> None:
    columns = {
        f"{split}/{name}": getattr(each, name)
        for split, each in answers.items()
        for name in ("indices", "probabilities", "targets", "durations_ms")
    }
    store_arrays(path, columns)


def _load(path: Path) -> dict[str, Answers]:
    with np.load(path) as columns:
        splits = dict.fromkeys(name.partition("/")[0] for name in columns.files)
        return {
            split: Answers(
                columns[f"{split}/indices"],
                columns[f"{split}/probabilities"],
                columns[f"{split}/targets"],
                columns[f"{split}/durations_ms"],
            )
            for split in splits
        }
