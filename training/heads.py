"""The heads by name."""

from training.errors import TrainingError
from training.head import Head
from training.head_classic import CLASSIC
from training.head_joint import JOINT, SINGLE

HEADS = {head.name: head for head in (JOINT, *SINGLE, CLASSIC)}

DEFAULT_HEAD = JOINT.name


def find_head(name: str) -> Head:
    """The head of that name; raises TrainingError where there is none."""
    if name not in HEADS:
        raise TrainingError(f"There is no head {name!r}; the heads are {', '.join(HEADS)}.")
    return HEADS[name]
