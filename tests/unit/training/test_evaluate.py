"""`screen-time evaluate`'s document, from a video and a model that tells colours apart."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from demo.clips import ClipSpec, write_clip
from screen_time.manifest import Semantics
from tests.models import write_colour_model
from training.dataset import LabelledVideo
from training.evaluate import evaluate

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> LabelledVideo:
    """Two seconds of each colour, of which one is labelled wrongly."""
    directory = tmp_path_factory.mktemp("pair")
    shown = [np.full((48, 64, 3), colour, dtype=np.uint8) for colour in COLOURS.values() for _ in range(8)]
    video = write_clip(
        directory / "colours.mp4", ClipSpec(), ((Fraction(number, 4), image) for number, image in enumerate(shown))
    )
    labels = directory / "colours.csv"
    rows = [f"frame{second}.jpg,{name}" for second, name in enumerate(["red", "red", "green", "blue", "blue", "blue"])]
    labels.write_text("\n".join(["Image_ID,Class", *rows]) + "\n")
    return LabelledVideo(video, labels)


def test_the_document_says_how_far_probabilities_can_be_believed(pair: LabelledVideo, tmp_path: Path) -> None:
    """Beside the figures that it is documented to have."""
    write_colour_model(tmp_path / "model")
    document = evaluate(pair, str(tmp_path / "model")).to_json()
    assert document["frames"] == 6
    assert document["accuracy"] == pytest.approx(5 / 6)
    assert document["seconds"]["true"] == pytest.approx({"red": 2.0, "green": 1.0, "blue": 2.79})
    assert document["brier"] == pytest.approx(2 / 6, abs=1e-3)
    assert document["ece"] == pytest.approx(1 / 6, abs=1e-3)
    assert document["average_precision"] == {}


def test_independent_labels_have_an_average_precision_each(pair: LabelledVideo, tmp_path: Path) -> None:
    """Green is ranked first on both of its seconds, one of which is labelled as blue."""
    write_colour_model(tmp_path / "model", semantics=Semantics.INDEPENDENT)
    document = evaluate(pair, str(tmp_path / "model")).to_json()
    assert document["average_precision"]["red"] == 1
    assert 0 < document["average_precision"]["green"] <= 1
    assert document["average_precision"]["blue"] < 1
