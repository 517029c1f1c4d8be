"""What a version is measured by before it is promoted: its answers on held-out frames, kept with its training run."""

from training.answers_file import NamedAnswers, from_csv, to_csv

ARTIFACT = "answers/grouped.csv"
"""Of a run: the answers out of fold, whole groups held out."""

SAME = 0.9
"""Two versions are comparable where at least this share of either's frames are the other's too."""


def log_answers(answers: NamedAnswers) -> None:
    """Keep the answers with the active run."""
    import mlflow

    mlflow.log_text(to_csv(answers), ARTIFACT)


def recorded_answers(run_id: str | None) -> NamedAnswers | None:
    """A run's answers; None where it has none, was deleted, or was made before they were kept."""
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    if not run_id:
        return None
    try:
        return from_csv(mlflow.artifacts.load_text(f"runs:/{run_id}/{ARTIFACT}"))
    except (MlflowException, OSError, ValueError, KeyError):
        return None


def same_test(one: NamedAnswers, other: NamedAnswers) -> bool:
    """Whether both were tested on the same frames, held out in the same groups.

    A version that learned from more videos is tested differently: its figures say nothing about the other's.
    """
    common = set(one) & set(other)
    pairs = {(one[key].group, other[key].group) for key in common}
    same_groups = len(pairs) == len({group for group, _ in pairs}) == len({group for _, group in pairs})
    return bool(common) and len(common) >= SAME * max(len(one), len(other)) and same_groups
