"""`screen-time suggest` on a drawn and encoded cartoon: frames and a label file that training and labelling read."""

import csv
import json
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from demo.episodes import write_script
from demo.script import SECOND_STYLE
from demo.storyboard import Plot, write_storyboard
from labelling.sheet import Sheet
from screen_time.classifier import Classifier
from screen_time.manifest import Semantics
from screen_time.measurement import measure
from screen_time.summary import margins, presence
from tests.models import COLOURS, write_colour_model
from training.dataset import labelled_samples
from training.errors import LabelError
from training.labels import interval_ms, read_label_file

SECONDS = 24
COUNT = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A video, and a model of each kind."""

    video: Path
    models: dict[Semantics, Path]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """24 seconds of the demo's cartoon, and models that tell colours apart."""
    directory = tmp_path_factory.mktemp("suggesting")
    script = write_storyboard(Plot(seed=5, seconds=SECONDS, style=SECOND_STYLE, together=False))
    episode = write_script(directory, "cartoon", script, size=(320, 180), rate=Fraction(4))
    models = {kind: directory / kind for kind in Semantics}
    for kind, folder in models.items():
        write_colour_model(folder, semantics=kind)
    return Place(episode.video, models)


def suggest(place: Place, kind: Semantics, folder: Path, *options: str) -> Result:
    command = ["suggest", str(place.video), "--model", str(place.models[kind]), "--out", str(folder), *options]
    return CliRunner().invoke(app, command)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize("kind", list(Semantics))
def test_what_is_suggested_is_one_more_pair_to_train_with(place: Place, kind: Semantics, tmp_path: Path) -> None:
    """Of the video as of the folder of frames; labelling opens it too, with the model's answers filled in."""
    folder = tmp_path / "next"
    result = suggest(place, kind, folder, "--count", str(COUNT))
    assert result.exit_code == 0, result.output
    labels = folder / "labels.csv"
    found = measure(place.video, Classifier.load(place.models[kind]))
    manifest = Classifier.load(place.models[kind]).manifest
    said = {
        f"frame{start // 1000}.jpg": [label for label, there in zip(COLOURS, row, strict=True) if there]
        for start, row in zip(found.start_ms, presence(found.probabilities, manifest), strict=True)
    }
    rows = rows_of(labels)
    assert len(rows) == COUNT
    for row in rows:
        answered = [row["Class"]] if kind is Semantics.EXCLUSIVE else [each for each in COLOURS if row[each] == "1"]
        assert answered == said[row["Image_ID"]]
        assert row["uncertain"] == "0"
        image = cv2.imread(str(folder / row["Image_ID"]))
        assert image is not None
        assert image.shape == (180, 320, 3)
    assert len(list(folder.glob("*.jpg"))) == COUNT
    assert len(Sheet(labels).times_ms) == COUNT
    file = read_label_file(labels)
    for source in (place.video, folder):
        read = [labelled for _, labelled in labelled_samples(source, file, interval_ms([file]))]
        assert [sorted(each.labels) for each in read] == [sorted(said[row["Image_ID"]]) for row in rows]


def test_json_names_the_least_certain_frame_first_and_no_neighbours(place: Place, tmp_path: Path) -> None:
    """With what the model said of each; nothing else is on standard output."""
    result = suggest(place, Semantics.EXCLUSIVE, tmp_path, "--count", str(COUNT), "--json")
    document = json.loads(result.stdout)
    found = measure(place.video, Classifier.load(place.models[Semantics.EXCLUSIVE]))
    manifest = Classifier.load(place.models[Semantics.EXCLUSIVE]).manifest
    assert document["frames"][0]["time"] * 1000 == found.start_ms[margins(found.probabilities, manifest).argmin()]
    assert document["frames"][0]["margin"] == min(frame["margin"] for frame in document["frames"])
    times = sorted(frame["time"] for frame in document["frames"])
    assert min(later - earlier for earlier, later in pairwise(times)) >= SECONDS / (3 * COUNT)
    assert set(document["frames"][0]["probabilities"]) == set(COLOURS)
    assert document["labels"] == str(tmp_path / "labels.csv")


def test_what_somebody_has_corrected_is_never_written_over(place: Place, tmp_path: Path) -> None:
    """Nor is any frame written."""
    labels = tmp_path / "labels.csv"
    labels.write_text("Image_ID,Class,uncertain\nframe3.jpg,red,0\n")
    result = suggest(place, Semantics.EXCLUSIVE, tmp_path)
    assert isinstance(result.exception, LabelError)
    assert labels.read_text() == "Image_ID,Class,uncertain\nframe3.jpg,red,0\n"
    assert not list(tmp_path.glob("*.jpg"))


def test_frames_between_seconds_are_named_by_their_time(place: Place, tmp_path: Path) -> None:
    """Every half second is looked at; more are asked for than there are."""
    result = suggest(place, Semantics.INDEPENDENT, tmp_path, "--every", "0.5", "--count", "100")
    assert result.exit_code == 0, result.output
    names = [row["Image_ID"] for row in rows_of(tmp_path / "labels.csv")]
    assert names[:4] == ["frame0.jpg", "frame0.5.jpg", "frame1.jpg", "frame1.5.jpg"]
    assert len(names) == 2 * SECONDS
