"""The heads by name."""

from training.errors import TrainingError
from training.head import Head
from training.head_classic import CLASSIC
from training.head_pooled import POOLED

HEADS = {head.name: head for head in (POOLED, CLASSIC)}

DEFAULT_HEAD = POOLED.name


def find_head(name: str) -> Head:
    """The head of that name; raises TrainingError where there is none."""
    if name not in HEADS:
        raise TrainingError(f"There is no head {name!r}; the heads are {', '.join(HEADS)}.")
    return HEADS[name]
