"""Two figures that move when videos are no longer like those that the model was trained on."""

from collections.abc import Sequence

import numpy as np

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest, Semantics
from screen_time.summary import presence


def confidence(probabilities: Probabilities, manifest: Manifest) -> float:
    """Mean probability, 0 … 1, that the model gives to its own answers; for independent labels to each yes and no."""
    if manifest.semantics is Semantics.INDEPENDENT:
        present = presence(probabilities, manifest)
        return float(np.where(present, probabilities, 1 - probabilities).mean())
    return float(probabilities.max(axis=1).mean())


def label_shares(durations_ms: Sequence[int], probabilities: Probabilities, manifest: Manifest) -> dict[str, float]:
    """For each label the share of the video's duration, 0 … 1, that shows it; `durations_ms` (n) of the samples."""
    weights = np.asarray(durations_ms) / sum(durations_ms)
    shares = weights @ presence(probabilities, manifest)
    return dict(zip(manifest.labels, (float(each) for each in shares), strict=True))
