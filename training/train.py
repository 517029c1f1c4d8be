"""Training from start to end: labelled videos in, a registered version out."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from screen_time.manifest import Manifest
from training import figures, promotion, registry, tracking, yardstick
from training.agreement import Shown
from training.answers_file import named_answers
from training.dataset import Dataset, LabelledVideo, read_dataset
from training.description import describe_version, version_tags
from training.evaluation import Scores, draft_manifest, score
from training.export import build_model, export
from training.head import FittedHead, Head
from training.heads import DEFAULT_HEAD, find_head
from training.material import embed
from training.model_names import MODEL_NAME
from training.reporting import Reporter, Silent
from training.validation import Validation, fit_final, validate
from training.weights import DIGEST as WEIGHTS_DIGEST
from training.weights import Tensors, load_weights


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a training is asked for; `classes` name the labels as training.labels explains.

    `weights` is a file of VGG16's weights (None: found or fetched).
    """

    videos: tuple[LabelledVideo, ...]
    classes: tuple[str, ...] = ()
    head: str = DEFAULT_HEAD
    seed: int = 0
    promote: bool = False
    name: str = MODEL_NAME
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A registered version and how it did: scores by split (`random`, and `grouped` where it was tested so)."""

    name: str
    version: str
    run_id: str
    digest: str
    head: str
    labels: tuple[str, ...]
    scores: Mapping[str, Scores]
    promoted: bool


@dataclass(frozen=True, slots=True)
class _Trained:
    """A fitted head with what it learned from and how it did."""

    head: Head
    fitted: FittedHead
    dataset: Dataset
    manifest: Manifest
    scores: Mapping[str, Scores]


def train(options: TrainingOptions, reporter: Reporter | None = None) -> TrainedVersion:
    """Learn from labelled videos, test on held-out frames, log everything to MLflow, and register a version.

    Raises TrainingError, VideoError, ModelError or RegistryError; then no version is registered. A version that was to
    be promoted and is worse than the champion is registered all the same; `promoted` tells.
    """
    reporter = reporter or Silent()
    head = find_head(options.head)
    registry.check_connection()
    dataset = _read(options, head, reporter)
    manifest = draft_manifest(dataset.scheme, head.features.spec, head.name)
    with tracking.tracked_run():
        _log_start(options, head, dataset, manifest)
        reporter.stage("Getting VGG16's weights")
        vgg16 = load_weights(options.weights)
        material = embed(dataset, head, vgg16, reporter)
        validation = validate(head, material, manifest, options.seed, reporter)
        scores = {split: score(answers, manifest) for split, answers in validation.answers.items()}
        fitted = fit_final(head, material, validation, manifest, options.seed)
        trained = _Trained(head, fitted, dataset, manifest, scores)
        reporter.stage("Logging figures")
        _log_results(trained, validation)
        _log_answers(trained, validation)
        reporter.stage("Exporting and registering the model")
        version = _register(trained, vgg16, options)
    return _promoted(version, options, reporter) if options.promote else version


def _promoted(version: TrainedVersion, options: TrainingOptions, reporter: Reporter) -> TrainedVersion:
    """The version as champion; as it is, and a note, where the present champion is better."""
    reason = "trained with --promote"
    try:
        promotion.promote(promotion.PromotionRequest(version.version, reason, name=options.name), reporter)
    except promotion.WorseError as error:
        reporter.note(str(error))
        return version
    return replace(version, promoted=True)


def _read(options: TrainingOptions, head: Head, reporter: Reporter) -> Dataset:
    reporter.stage("Reading labelled frames")
    dataset = read_dataset(options.videos, [head.features.spec], options.classes, reporter.advance)
    for note in dataset.notes:
        reporter.note(note)
    return dataset


def _log_start(options: TrainingOptions, head: Head, dataset: Dataset, manifest: Manifest) -> None:
    tracking.log_data(dataset)
    tracking.log_parameters(
        {
            "head": head.name,
            "seed": options.seed,
            "labels": ", ".join(manifest.labels),
            "semantics": manifest.semantics,
            "frames": len(dataset.examples),
            "mirrored": head.mirrored,
            "input": f"{manifest.input.height}x{manifest.input.width} {manifest.input.fit}",
            "preprocessing": head.features.preprocessing,
            "vgg16_sha256": WEIGHTS_DIGEST,
            **{f"head_{name}": value for name, value in head.parameters.items()},
        }
    )


def _log_results(trained: _Trained, validation: Validation) -> None:
    """Figures by split; the mistakes are those of the most honest split there is."""
    dataset, manifest, epochs = trained.dataset, trained.manifest, trained.fitted.epochs
    for split, each in trained.scores.items():
        tracking.log_scores(split, each)
        tracking.log_figure(figures.confusion_figure(split, each, manifest), f"confusion_{split}")
    answers = list(validation.answers.values())[-1]
    tracking.log_figure(figures.mistakes_figure(answers, dataset, manifest), "worst_mistakes")
    for point in validation.learning_curve:
        tracking.log_metrics({"learning_curve/accuracy": point.accuracy}, step=point.frames)
    if validation.learning_curve:
        tracking.log_figure(figures.learning_curve_figure(validation.learning_curve), "learning_curve")
    if epochs:
        tracking.log_epochs(epochs)
        tracking.log_figure(figures.epochs_figure(epochs), "learning_curves")


def _log_answers(trained: _Trained, validation: Validation) -> None:
    """The honest answers, frame by frame: what later versions are compared with before they are promoted."""
    if "grouped" in validation.answers:
        answers = named_answers(validation.answers["grouped"], trained.dataset, trained.manifest)
        yardstick.log_answers(answers)


def _register(trained: _Trained, vgg16: Tensors, options: TrainingOptions) -> TrainedVersion:
    manifest, scores = trained.manifest, trained.scores
    frames = trained.dataset.frames[manifest.input]
    model = build_model(trained.head, trained.fitted, vgg16)
    with tempfile.TemporaryDirectory() as folder:
        shown = Shown(trained.dataset.durations_ms, trained.dataset.targets)
        served = export(model, manifest, frames, Path(folder), shown)
        tracking.log_metrics(served.differences.metrics())
        description = describe_version(served.manifest, trained.dataset, scores, served.differences)
        tags = version_tags(manifest, scores)
        registered = tracking.register(model, served, frames[:1], tags, description, options.name)
    return TrainedVersion(
        registered.name,
        registered.version,
        registered.run_id,
        served.digest,
        manifest.head,
        manifest.labels,
        scores,
        promoted=False,
    )
