"""Views of a dataset's frames as vectors, each with the targets of its frame."""

import numpy as np
import pytest

from screen_time.manifest import Fit, InputSpec, Semantics
from training import material
from training.backbone import Preprocessing
from training.dataset import Dataset, Example
from training.features import FeatureKind
from training.head import Head
from training.labels import LabelScheme
from training.reporting import Silent
from training.splits import Fold
from training.whole_backbone import WholeBackbone

SPEC = InputSpec(2, 4, Fit.PAD)


def dataset(copies: int) -> Dataset:
    """Three frames, each of its own brightness, brighter to the right; varied copies are of another size's input."""
    frames = np.zeros((3, 2, 4, 3), dtype=np.uint8) + np.arange(4, dtype=np.uint8)[None, None, :, None]
    frames += np.array([10, 20, 30], dtype=np.uint8)[:, None, None, None]
    return Dataset(
        scheme=LabelScheme(("a", "b", "c"), Semantics.EXCLUSIVE, None),
        sources=(),
        examples=tuple(Example(0, 1000 * second, 1000, None) for second in range(3)),
        targets=np.eye(3, dtype=np.float32),
        frames={SPEC: frames},
        notes=(),
        varied=tuple(frames + np.uint8(100 * (copy + 1)) for copy in range(copies)),
    )


def head(views: int) -> Head:
    kind = FeatureKind(SPEC, Preprocessing.CAFFE, "block4_pool", "first pixel", lambda maps: maps)
    return Head("first pixel", kind, None, views, False, True, {})  # type: ignore[arg-type]


def embed(learning: Head) -> material.Material:
    return material.embed(dataset(2), learning, WholeBackbone(learning.features, []), Silent())


@pytest.fixture(autouse=True)
def first_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that can be read: the first pixel of a frame."""
    monkeypatch.setattr(material, "extract_features", lambda frames, *_: frames[:, 0, 0, :1].astype(np.float32))


@pytest.mark.parametrize(("views", "first"), [(1, [10]), (2, [10, 13]), (3, [10, 13, 110]), (4, [10, 13, 110, 210])])
def test_a_head_learns_from_as_many_views_as_it_says(views: int, first: list[int]) -> None:
    """Plain, mirrored, then varied copies; a head of one view is not given the varied copies of another's."""
    made = embed(head(views))
    examples = made.examples.at(made.fold(Fold(np.array([0, 2]), np.array([1]))).train)
    assert examples.vectors[::2, 0].tolist() == first
    assert examples.views.tolist() == sorted(list(range(views)) * 2)
    assert examples.targets.argmax(axis=1).tolist() == [0, 2] * views


def test_it_is_tested_on_frames_as_they_are() -> None:
    """Whatever it learns from."""
    made = embed(head(4))
    held_out = made.fold(Fold(np.array([0, 2]), np.array([1]))).test
    assert made.examples.vectors[held_out].tolist() == made.plain[[1]].tolist() == [[20]]
