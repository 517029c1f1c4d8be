"""What heads learn from: a dataset's frames as vectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.features import extract_features
from training.head import Examples, Head, Vectors
from training.reporting import Reporter
from training.weights import Tensors


@dataclass(frozen=True, slots=True)
class Material:
    """A dataset with its frames' vectors (n × d), and those of its mirrored frames where the head wants them."""

    dataset: Dataset
    vectors: Vectors
    mirrored: Vectors | None

    def to_learn(self, indices: NDArray[np.int64]) -> Examples:
        """The examples at `indices`, mirrored too."""
        plain = self.to_test(indices)
        if self.mirrored is None:
            return plain
        vectors = np.concatenate([plain.vectors, self.mirrored[indices]])
        return Examples(vectors, np.concatenate([plain.targets, plain.targets]))

    def to_test(self, indices: NDArray[np.int64]) -> Examples:
        """The examples at `indices` as they are."""
        return Examples(self.vectors[indices], self.dataset.targets[indices])


def embed(dataset: Dataset, head: Head, vgg16: Tensors, reporter: Reporter) -> Material:
    """The vectors that `head` makes of a dataset's frames."""
    frames = dataset.frames[head.features.spec]
    reporter.stage("Computing VGG16 features", len(frames) * (2 if head.mirrored else 1))
    vectors = head.embed(extract_features(frames, head.features, vgg16, reporter.advance))
    if not head.mirrored:
        return Material(dataset, vectors, None)
    mirrored = np.ascontiguousarray(frames[:, :, ::-1])
    return Material(dataset, vectors, head.embed(extract_features(mirrored, head.features, vgg16, reporter.advance)))
