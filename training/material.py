"""What heads learn from: a dataset's frames, and other views of them, as vectors."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training import quantisation_frames
from training.dataset import Dataset, Frames
from training.features import Source, Vectors, extract_features
from training.head import MIRRORED, PLAIN, VARIED, Examples, Head
from training.reporting import Reporter
from training.served_backbone import served
from training.weights import Tensors
from training.whole_backbone import fastest


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


def embed(dataset: Dataset, head: Head, vgg16: Tensors, reporter: Reporter) -> Material:
    """The vectors that `head` makes of a dataset's frames."""
    views = list(_views(dataset, head))
    source = _source(views[PLAIN], head, vgg16, reporter)
    reporter.stage(f"Computing VGG16 features for {head.name}", len(dataset.examples) * len(views))
    vectors = [extract_features(view, head.features, source, reporter.advance) for view in views]
    return Material(dataset, tuple(vectors))


def _source(plain: Frames, head: Head, vgg16: Tensors, reporter: Reporter) -> Source:
    if not head.features.as_served:
        return fastest(head.features, vgg16)
    reporter.stage("Fitting VGG16's served convolutions to the frames")
    return served(head.features, vgg16, quantisation_frames.pictures(plain, head.features.spec))


def _views(dataset: Dataset, head: Head) -> Iterator[Frames]:
    plain = dataset.frames[head.features.spec]
    yield plain
    if head.views > MIRRORED:
        yield np.ascontiguousarray(plain[:, :, ::-1])
    yield from dataset.varied[: max(0, head.views - VARIED)]
