"""What heads learn from: a dataset's frames, and other views of them, as vectors."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training import quantisation_frames
from training.dataset import Dataset, Frames
from training.features import Backbone, Vectors, extract_features
from training.head import MIRRORED, PLAIN, VARIED, Examples, Head
from training.reporting import Reporter
from training.served_backbone import ServedBackbone
from training.weights import Tensors
from training.whole_backbone import WholeBackbone


@dataclass(frozen=True, slots=True)
class Material:
    """A dataset with the vectors (n × d) of each view of its frames: plain, mirrored, varied copies."""

    dataset: Dataset
    views: tuple[Vectors, ...]

    def to_learn(self, indices: NDArray[np.int64]) -> Examples:
        """The examples at `indices` in every view."""
        count = len(self.views)
        return Examples(
            np.concatenate([vectors[indices] for vectors in self.views]),
            np.tile(self.dataset.targets[indices], (count, 1)),
            np.repeat(np.arange(count), len(indices)),
        )

    def to_test(self, indices: NDArray[np.int64]) -> Examples:
        """The examples at `indices` as they are."""
        return Examples.plain(self.views[PLAIN][indices], self.dataset.targets[indices])


def backbone_for(head: Head, dataset: Dataset, vgg16: Tensors) -> Backbone:
    """The convolutions that `head` learns from, and is served with."""
    kind = head.features
    if not kind.as_served:
        return WholeBackbone(kind, vgg16)
    return ServedBackbone(kind, vgg16, quantisation_frames.pictures(dataset.frames[kind.spec], kind.spec))


def embed(dataset: Dataset, head: Head, backbone: Backbone, reporter: Reporter) -> Material:
    """The vectors that `head` makes of a dataset's frames."""
    reporter.stage(f"Preparing VGG16's convolutions for {head.name}")
    source = backbone.features()
    views = list(_views(dataset, head))
    reporter.stage(f"Computing VGG16 features for {head.name}", len(dataset.examples) * len(views))
    vectors = [extract_features(view, head.features, source, reporter.advance) for view in views]
    return Material(dataset, tuple(vectors))


def _views(dataset: Dataset, head: Head) -> Iterator[Frames]:
    plain = dataset.frames[head.features.spec]
    yield plain
    if head.views > MIRRORED:
        yield np.ascontiguousarray(plain[:, :, ::-1])
    yield from dataset.varied[: max(0, head.views - VARIED)]
