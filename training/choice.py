"""Which of the candidates is registered: decided by the honest yardstick, never by the random split."""

from collections.abc import Mapping

from screen_time.manifest import Manifest
from training.evaluation import Scores, score
from training.head import Head
from training.validation import Validation

ADVANTAGE = 0.02
"""A member by itself is preferred to the joint head only from so much more grouped macro F1: less is noise."""


def candidate_scores(head: Head, validation: Validation, manifest: Manifest) -> dict[str, Scores]:
    """Grouped scores of `head` and of each of its members by itself; empty where it was not tested by groups."""
    if "grouped" not in validation.answers:
        return {}
    answers = {head.name: validation.answers["grouped"], **validation.candidates}
    return {name: score(each, manifest) for name, each in answers.items()}


def choose(head: Head, scores: Mapping[str, Scores]) -> str:
    """The name of the candidate to register: `head` unless a member does better by ADVANTAGE."""
    if not scores:
        return head.name
    best = max(scores, key=lambda name: scores[name].macro_f1)
    return best if scores[best].macro_f1 >= scores[head.name].macro_f1 + ADVANTAGE else head.name
