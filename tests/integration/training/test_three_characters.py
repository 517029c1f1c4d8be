"""Three characters, one of them rare: trained on one cartoon, every one of them is measured."""

from pathlib import Path

import pytest

from demo.episodes import Episode, write_script
from demo.storyboard import Plot, write_storyboard
from screen_time.classifier import Classifier
from screen_time.measurement import measure
from screen_time.summary import summarise
from training.dataset import LabelledVideo
from training.labels import read_label_file
from training.registry import resolve
from training.train import TrainedVersion, TrainingOptions, train
from training.weights import Tensors

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CAST = ("fox", "owl", "frog")
CLASSES = ("neither", *CAST)


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    """A minute and a half in which the frog is rarely seen."""
    plot = Plot(seed=4, seconds=90, cast=CAST, rare=("frog",))
    return write_script(tmp_path_factory.mktemp("three"), "three", write_storyboard(plot))


@pytest.fixture(scope="module")
def version(store: Path, vgg16: Tensors, episode: Episode) -> TrainedVersion:
    """The version that learned from it."""
    assert vgg16
    assert store.is_dir()
    pair = LabelledVideo(episode.video, episode.labels)
    return train(TrainingOptions((pair,), classes=CLASSES, baseline=False))


def test_each_is_measured_within_five_percent_of_its_seconds(episode: Episode, version: TrainedVersion) -> None:
    """The rare one too, by the path that the function takes: decode, sample, classify, summarise."""
    labels = [next(iter(time.labels)) for time in read_label_file(episode.labels, CLASSES).times]
    true = {name: labels.count(name) for name in CAST}
    assert 5 <= true["frog"] < min(true["fox"], true["owl"]) / 2
    model = resolve(f"models:/screen-time/{version.version}")
    classifier = Classifier.load(model.directory, model.digest)
    found = measure(episode.video, classifier)
    summary = summarise(found.durations_ms, found.probabilities, classifier.manifest)
    for name, seconds in true.items():
        assert summary.characters[name].milliseconds / 1000 == pytest.approx(seconds, rel=0.05)


def test_what_was_held_out_is_told_apart_too(version: TrainedVersion) -> None:
    """Whole stretches that it had not seen: most frames are right, and the rare one is not forgotten."""
    scores = version.scores["grouped"]
    assert scores.accuracy > 0.7
    assert scores.labels["frog"].f1 > 0.3
