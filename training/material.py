"""What heads learn from: a dataset's frames, and other views of them, as vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from training import quantisation_frames
from training.dataset import Dataset, Frames
from training.features import Backbone, Vectors, extract_features
from training.head import MIRRORED, VARIED, Examples, Head
from training.reporting import Reporter
from training.served_backbone import ServedBackbone
from training.splits import Fold
from training.weights import Tensors
from training.whole_backbone import WholeBackbone


@dataclass(frozen=True, slots=True)
class Material:
    """A dataset with an example for each view of its n frames: all of them plain, then mirrored, then varied copies."""

    dataset: Dataset
    examples: Examples

    @classmethod
    def of_views(cls, dataset: Dataset, views: Sequence[Vectors]) -> Self:
        """With the vectors (n × d) of each view."""
        count = len(views)
        targets, numbers = np.tile(dataset.targets, (count, 1)), np.repeat(np.arange(count), len(dataset.targets))
        return cls(dataset, Examples(np.concatenate(views), targets, numbers))

    @property
    def plain(self) -> Vectors:
        """The vectors of the frames as they are."""
        return self.examples.vectors[: len(self.dataset.targets)]

    def fold(self, frames: Fold) -> Fold:
        """Rows of the examples: the frames of one fold to learn from in every view, those to test on as they are."""
        first = np.arange(0, len(self.examples.views), len(self.dataset.targets))
        return Fold((first[:, None] + frames.train).ravel(), frames.test)


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
    return Material.of_views(dataset, vectors)


def _views(dataset: Dataset, head: Head) -> Iterator[Frames]:
    plain = dataset.frames[head.features.spec]
    yield plain
    if head.views > MIRRORED:
        yield np.ascontiguousarray(plain[:, :, ::-1])
    yield from dataset.varied[: max(0, head.views - VARIED)]
