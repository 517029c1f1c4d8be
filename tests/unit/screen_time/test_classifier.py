"""A served model: its manifest, its digests, its answers."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen_time.classifier import Classifier, verified_manifest
from screen_time.errors import ModelError
from screen_time.manifest import MANIFEST_NAME, Manifest, Semantics, sha256
from tests.models import SIZE, write_colour_model


def coloured(*colours: tuple[int, int, int]) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    return np.stack([np.full((SIZE.height, SIZE.width, 3), colour, dtype=np.uint8) for colour in colours])


def test_a_model_answers_for_each_frame_of_a_batch(tmp_path: Path) -> None:
    """Rows are frames, columns are labels, a row of exclusive labels adds up to 1."""
    write_colour_model(tmp_path)
    probabilities = Classifier.load(tmp_path).probabilities(coloured((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_a_batch_of_any_size_gives_the_same_answers(tmp_path: Path) -> None:
    """The last batch of a video is smaller."""
    write_colour_model(tmp_path)
    classifier = Classifier.load(tmp_path)
    frames = coloured((9, 80, 3), (90, 8, 200), (7, 7, 7), (1, 2, 3))
    alone = np.concatenate([classifier.probabilities(frames[index : index + 1]) for index in range(4)])
    assert np.allclose(classifier.probabilities(frames), alone, atol=1e-6)


def test_a_model_may_tell_where_it_looked(tmp_path: Path) -> None:
    """Maps are frames × rows × columns × labels; the left half of this frame is red."""
    write_colour_model(tmp_path, maps=True)
    frame = coloured((0, 0, 0))
    frame[:, :, : SIZE.width // 2, 0] = 255
    answer = Classifier.load(tmp_path).classify(frame)
    assert answer.maps is not None
    assert answer.maps.shape == (1, 4, 6, 3)
    assert np.allclose(answer.maps[0, :, :, 0], [[1, 1, 1, 0, 0, 0]] * 4)


def test_a_model_that_does_not_tell_has_no_maps(tmp_path: Path) -> None:
    """Models from before, or of another's making, have one output."""
    write_colour_model(tmp_path)
    assert Classifier.load(tmp_path).classify(coloured((1, 2, 3))).maps is None


def test_threads_may_share_a_model(tmp_path: Path) -> None:
    """Each gets the answers to its own frames; the engine by itself refuses all but one."""
    write_colour_model(tmp_path)
    classifier = Classifier.load(tmp_path)
    batches = [np.repeat(coloured(colour), 200, axis=0) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))] * 8
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(classifier.probabilities, batches))
    assert [int(answer[0].argmax()) for answer in answers] == [0, 1, 2] * 8


def test_a_line_that_is_left_at_work_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    """A time limit may strike anywhere between two frames."""
    write_colour_model(tmp_path)
    classifier = Classifier.load(tmp_path)
    for _ in range(20):
        line = classifier.line()
        for frame in coloured((255, 0, 0), (0, 255, 0)):
            line.put(frame)
        assert line.take().probabilities.argmax() == 0
        del line
    assert classifier.probabilities(coloured((0, 0, 255))).argmax(axis=1).tolist() == [2]


def test_a_line_tells_when_it_is_full(tmp_path: Path) -> None:
    """Then an answer has to be taken first; they come in order."""
    write_colour_model(tmp_path)
    line = Classifier.load(tmp_path).line()
    put = 0
    while not line.is_full:
        line.put(coloured(((255, 0, 0), (0, 255, 0))[put % 2])[0])
        put += 1
    assert [int(line.take().probabilities.argmax()) for _ in range(put)] == [number % 2 for number in range(put)]
    assert (len(line), line.is_full) == (0, False)


def test_the_manifest_survives_its_file(tmp_path: Path) -> None:
    """What training writes is what the function reads."""
    manifest = write_colour_model(tmp_path, semantics=Semantics.INDEPENDENT)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert verified_manifest(tmp_path, sha256((tmp_path / MANIFEST_NAME).read_bytes())) == manifest


@pytest.mark.parametrize("name", ["model.xml", "model.bin", MANIFEST_NAME])
def test_a_file_that_differs_from_its_digest_is_refused(tmp_path: Path, name: str) -> None:
    """One flipped byte is enough."""
    write_colour_model(tmp_path)
    digest = sha256((tmp_path / MANIFEST_NAME).read_bytes())
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelError):
        Classifier.load(tmp_path, digest)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With a sentence, not a traceback of the engine."""
    write_colour_model(tmp_path)
    (tmp_path / "model.bin").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        Classifier.load(tmp_path)


def rewritten(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((directory / MANIFEST_NAME).read_bytes())
    change(document)
    (directory / MANIFEST_NAME).write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(manifest_version=99),
        lambda document: document.update(labels=[]),
        lambda document: document.update(labels=["a", "a", "b"]),
        lambda document: document.update(nobody="someone"),
        lambda document: document.update(semantics="vague"),
        lambda document: document.update(semantics="independent"),
        lambda document: document.pop("input"),
        lambda document: document["files"].update({"../outside": "0" * 64}),
        lambda document: document["files"].update({"/etc/passwd": "0" * 64}),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Labels, semantics and file names are checked before anything is loaded."""
    write_colour_model(tmp_path)
    rewritten(tmp_path, change)
    with pytest.raises(ModelError):
        verified_manifest(tmp_path)


def test_a_model_with_another_number_of_outputs_than_labels_is_refused(tmp_path: Path) -> None:
    """It is tried on a blank frame before it serves."""
    write_colour_model(tmp_path, labels=("red", "green"))
    with pytest.raises(ModelError, match="one probability for each"):
        Classifier.load(tmp_path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """Even where its digest is right."""
    write_colour_model(tmp_path)
    (tmp_path / "model.xml").write_text("<net/>")
    rewritten(tmp_path, lambda document: document["files"].update({"model.xml": sha256(b"<net/>")}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        Classifier.load(tmp_path)
