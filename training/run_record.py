"""What a training leaves in its MLflow run: what it was asked for, what it found, and what people look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from screen_time.classifier import Maps
from screen_time.manifest import Manifest
from training import figures, tracking, yardstick
from training.answers_file import named_answers
from training.bootstrap import bootstrap_intervals
from training.calibration import Calibration
from training.certainty import Certainty
from training.dataset import Dataset
from training.evaluation import Answers, Scores
from training.features import Backbone
from training.head import FittedHead, Head
from training.splits import group_names
from training.validation import Validation
from training.weights import DIGEST as WEIGHTS_DIGEST


@dataclass(frozen=True)
class Trained:
    """A fitted head with what it learned from and how it did.

    `scores` are by split, `candidates` the grouped scores by the name of each candidate, `baseline` the classic head's
    by split. `certainty` is None for a head that was not tested by groups, `maps` (a row for each example) for one that
    does not know where it looked.
    """

    head: Head
    backbone: Backbone
    fitted: FittedHead
    dataset: Dataset
    manifest: Manifest
    validation: Validation
    scores: Mapping[str, Scores]
    candidates: Mapping[str, Scores]
    certainty: Certainty | None
    baseline: Mapping[str, Scores]
    maps: Maps | None

    @property
    def served_manifest(self) -> Manifest:
        """The manifest with what the out-of-fold answers tell: thresholds and dispersions."""
        return self.manifest if self.certainty is None else self.certainty.manifest

    @property
    def calibration(self) -> Calibration | None:
        """What makes the head's probabilities mean something; None where nothing could be learned about them."""
        return None if self.certainty is None else self.certainty.calibration

    @property
    def all_scores(self) -> dict[str, Scores]:
        """Its own scores by split, and the classic head's beside them."""
        return {**self.scores, **{f"classic {split}": each for split, each in self.baseline.items()}}

    @property
    def honest_answers(self) -> Answers:
        """The answers of the most honest split there is."""
        return self.validation.answers["random"] if self.certainty is None else self.certainty.answers

    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of the grouped metrics, from resampling whole groups."""
        if self.certainty is None:
            return {}
        names = group_names(self.dataset.examples)
        answers = self.certainty.answers
        groups = [names[index] for index in answers.indices]
        return bootstrap_intervals(answers, self.served_manifest, groups, self.certainty.present)


def log_start(head: Head, dataset: Dataset, manifest: Manifest, seed: int) -> None:
    """The data, and what was asked for."""
    tracking.log_data(dataset)
    tracking.log_parameters(
        {
            "head": head.name,
            "seed": seed,
            "labels": ", ".join(manifest.labels),
            "semantics": manifest.semantics,
            "frames": len(dataset.examples),
            "views": head.views,
            "input": f"{manifest.input.height}x{manifest.input.width} {manifest.input.fit}",
            "preprocessing": head.features.preprocessing,
            "layer": head.features.layer,
            "vgg16_sha256": WEIGHTS_DIGEST,
            **{f"head_{name}": value for name, value in head.parameters.items()},
        }
    )


def log_outcome(trained: Trained) -> None:
    """Figures by split, candidate and epoch; how far to trust them; the answers themselves."""
    _log_scores(trained)
    _log_certainty(trained)
    _log_pictures(trained)
    epochs = trained.fitted.epochs
    if epochs:
        tracking.log_epochs(epochs)
        tracking.log_figure(figures.epochs_figure(epochs), "learning_curves")


def _log_scores(trained: Trained) -> None:
    for split, each in trained.scores.items():
        tracking.log_scores(split, each)
        figure = figures.confusion_figure(split, each, trained.manifest)
        tracking.log_figure(figure, f"confusion_{split}")
    for split, each in trained.baseline.items():
        tracking.log_scores(f"classic_{split}", each)
    for name, each in trained.candidates.items():
        tracking.log_scores(f"candidate_{name}", each)
    tracking.log_parameters({"chosen_head": trained.manifest.head})


def _log_certainty(trained: Trained) -> None:
    certainty = trained.certainty
    if certainty is None:
        return
    tracking.log_metrics({f"grouped/{name}": value for name, value in certainty.metrics().items()})
    tracking.log_parameters(dict(certainty.parameters()))
    for name, (low, high) in trained.intervals().items():
        tracking.log_metrics({f"grouped/{name}_low": low, f"grouped/{name}_high": high})
    figure = figures.reliability_figure(certainty.answers, trained.served_manifest)
    tracking.log_figure(figure, "reliability")
    yardstick.log_answers(named_answers(certainty.answers, trained.dataset, trained.served_manifest))


def _log_pictures(trained: Trained) -> None:
    """The mistakes are those of the most honest split there is."""
    answers, maps = trained.honest_answers, trained.maps
    figure = figures.mistakes_figure(answers, trained.dataset, trained.served_manifest, maps)
    tracking.log_figure(figure, "worst_mistakes")
    curve = trained.validation.learning_curve
    for point in curve:
        tracking.log_metrics({"learning_curve/accuracy": point.accuracy}, step=point.frames)
    if curve:
        tracking.log_figure(figures.learning_curve_figure(curve), "learning_curve")
