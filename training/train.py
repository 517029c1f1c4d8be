"""Training from start to end: labelled videos in, a registered version out."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest
from training import promotion, registry, run_record, tracking
from training.agreement import Shown
from training.baseline import baseline_answers
from training.certainty import Certainty, fit_certainty
from training.choice import candidates, choose
from training.dataset import Dataset, Frames, LabelledVideo, read_dataset
from training.description import describe_version, version_tags
from training.environment import keep_freed_memory
from training.evaluation import Scores, draft_manifest, score
from training.export import Reference, build_model, export, reference_form
from training.features import extract_features
from training.head import FittedHead, Head
from training.head_classic import CLASSIC
from training.head_joint import JointHead
from training.heads import DEFAULT_HEAD, find_head
from training.material import backbone_for, embed
from training.model_names import MODEL_NAME
from training.reporting import Reporter, Silent
from training.validation import Validation, validate
from training.variation import COPIES
from training.weights import Tensors, load_weights


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a training is asked for; `classes` name the labels as training.labels explains.

    `weights` is a file of VGG16's weights (None: found or fetched). Without `baseline` the classic head is not trained
    beside the default one.
    """

    videos: tuple[LabelledVideo, ...]
    classes: tuple[str, ...] = ()
    head: str = DEFAULT_HEAD
    seed: int = 0
    promote: bool = False
    name: str = MODEL_NAME
    weights: Path | None = None
    baseline: bool = True


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A registered version and how it did: scores by split (`random`, and `grouped` where it was tested so).

    `baseline` holds the classic head's scores on the same splits. `intervals` are 95 % intervals of the grouped scores'
    metrics.
    """

    name: str
    version: str
    run_id: str
    digest: str
    head: str
    labels: tuple[str, ...]
    scores: Mapping[str, Scores]
    promoted: bool
    baseline: Mapping[str, Scores] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def train(options: TrainingOptions, reporter: Reporter | None = None) -> TrainedVersion:
    """Learn from labelled videos, test on held-out frames, log everything to MLflow, and register a version.

    Raises TrainingError, VideoError, ModelError or RegistryError; then no version is registered. A version that was to
    be promoted and is worse than the champion is registered all the same; `promoted` tells.
    """
    keep_freed_memory()
    reporter = reporter or Silent()
    head = find_head(options.head)
    registry.check_connection()
    dataset = _read(options, head, reporter)
    manifest = draft_manifest(dataset.scheme, head.features.spec, head.name)
    with tracking.tracked_run():
        run_record.log_start(head, dataset, manifest, options.seed)
        reporter.stage("Getting VGG16's weights")
        vgg16 = load_weights(options.weights)
        trained = _fit(options, head, dataset, vgg16, reporter)
        reporter.stage("Logging figures")
        run_record.log_outcome(trained)
        reporter.stage("Exporting and registering the model")
        version = _register(trained, options)
    return _promoted(version, options, reporter) if options.promote else version


def _read(options: TrainingOptions, head: Head, reporter: Reporter) -> Dataset:
    reporter.stage("Reading labelled frames")
    specs = list(dict.fromkeys([head.features.spec, *([CLASSIC.features.spec] if options.baseline else [])]))
    dataset = read_dataset(
        options.videos, specs, options.classes, reporter.advance, copies=COPIES if head.cheap else 0, seed=options.seed
    )
    for note in dataset.notes:
        reporter.note(note)
    return dataset


def _fit(
    options: TrainingOptions, head: Head, dataset: Dataset, vgg16: Tensors, reporter: Reporter
) -> run_record.Trained:
    """Test the head and its members, fit the best of them on everything, and learn how far to trust it."""
    manifest = draft_manifest(dataset.scheme, head.features.spec, head.name)
    backbone = backbone_for(head, dataset, vgg16)
    material = embed(dataset, head, backbone, reporter)
    validation = validate(head, material, manifest, options.seed, reporter)
    tried = candidates(head, validation)
    chosen = choose(head, tried, dataset, manifest)
    manifest = replace(manifest, head=chosen)
    fitted = _only(validation.final, chosen)
    certainty = _certainty(validation, chosen, dataset, manifest)
    scores = {"random": score(validation.answers["random"], manifest)}
    if certainty is not None:
        scores["grouped"] = score(certainty.answers, certainty.manifest, certainty.present)
    baseline = {}
    if options.baseline and head.name != CLASSIC.name:
        answers = baseline_answers(dataset, manifest, vgg16, options.seed, reporter)
        baseline = {split: score(each, manifest) for split, each in answers.items()}
    maps = fitted.maps(material.plain) if isinstance(fitted, JointHead) else None
    return run_record.Trained(
        head,
        backbone,
        fitted,
        dataset,
        manifest,
        validation,
        scores,
        {name: score(answers, manifest) for name, answers in tried.items()},
        certainty,
        baseline,
        maps,
    )


def _only(fitted: FittedHead, name: str) -> FittedHead:
    """The chosen candidate of a fitted head."""
    return fitted.only(name) if isinstance(fitted, JointHead) and name in fitted.members else fitted


def _certainty(validation: Validation, chosen: str, dataset: Dataset, manifest: Manifest) -> Certainty | None:
    """What the chosen candidate's out-of-fold answers tell; None for a head that was not tested by groups."""
    if "grouped" not in validation.answers:
        return None
    answers = validation.candidates.get(chosen, validation.answers["grouped"])
    videos = np.array([dataset.examples[index].source for index in answers.indices], dtype=np.int64)
    return fit_certainty(answers, manifest, validation.folds, videos)


def _register(trained: run_record.Trained, options: TrainingOptions) -> TrainedVersion:
    dataset, manifest = trained.dataset, trained.served_manifest
    frames = dataset.frames[manifest.input]
    model = build_model(trained.backbone, trained.fitted, trained.calibration)
    shown = Shown(dataset.durations_ms, dataset.targets)
    with tempfile.TemporaryDirectory() as folder:
        served = export(model, manifest, frames, Path(folder), shown, _reference(trained))
        tracking.log_metrics(served.differences.metrics())
        description = describe_version(served.manifest, dataset, trained.all_scores, served.differences)
        tags = version_tags(manifest, trained.scores)
        registered = tracking.register(reference_form(model), served, frames[:1], tags, description, options.name)
    return TrainedVersion(
        registered.name,
        registered.version,
        registered.run_id,
        served.digest,
        manifest.head,
        manifest.labels,
        trained.scores,
        promoted=False,
        baseline=trained.baseline,
        intervals=trained.intervals(),
    )


def _reference(trained: run_record.Trained) -> Reference:
    """The trained model's answers, from features that the cache keeps for the next training."""

    def answer(frames: Frames) -> Probabilities:
        vectors = extract_features(frames, trained.backbone.kind, trained.backbone.exact())
        raw = trained.fitted.probabilities(vectors)
        return raw if trained.calibration is None else trained.calibration.apply(raw)

    return answer


def _promoted(version: TrainedVersion, options: TrainingOptions, reporter: Reporter) -> TrainedVersion:
    """The version as champion; as it is, and a note, where the present champion is better."""
    reason = "trained with --promote"
    try:
        promotion.promote(promotion.PromotionRequest(version.version, reason, name=options.name), reporter)
    except promotion.WorseError as error:
        reporter.note(str(error))
        return version
    return replace(version, promoted=True)
