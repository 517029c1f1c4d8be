"""What heads learn from: a dataset's frames, and other views of them, as vectors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset, Frames
from training.features import Vectors, extract_features
from training.head import MIRRORED, PLAIN, VARIED, Examples, Head
from training.reporting import Reporter
from training.weights import Tensors


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
    count = len(dataset.examples)
    reporter.stage(f"Computing VGG16 features for {head.name}", count * head.views)
    plain, *others = _views(dataset, head)
    if not others:
        return Material(dataset, (extract_features(plain, head.features, vgg16, reporter.advance),))
    # In single precision, in which the served form's check asks for some of them again.
    exact = extract_features(plain, replace(head.features, exact=True), vgg16, reporter.advance)
    varied = extract_features(np.concatenate(others), head.features, vgg16, reporter.advance)
    return Material(dataset, (exact.astype(varied.dtype), *np.split(varied, len(others))))


def _views(dataset: Dataset, head: Head) -> Iterator[Frames]:
    plain = dataset.frames[head.features.spec]
    yield plain
    if head.views > MIRRORED:
        yield np.ascontiguousarray(plain[:, :, ::-1])
    yield from dataset.varied[: max(0, head.views - VARIED)]
