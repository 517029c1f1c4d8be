"""Out-of-fold answers of an imagined model whose truth is known: neighbouring frames alike, right and wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import gumbel_r, norm

from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from training.evaluation import Answers, draft_manifest
from training.labels import LabelScheme

Values = NDArray[np.float64]

SPEC = InputSpec(224, 224, Fit.PAD)
EXCLUSIVE = draft_manifest(LabelScheme(("neither", "jerry", "tom"), Semantics.EXCLUSIVE, "neither"), SPEC, "pooled")
INDEPENDENT = draft_manifest(LabelScheme(("jerry", "tom"), Semantics.INDEPENDENT, None), SPEC, "pooled")


def imagined(
    manifest: Manifest,
    frames: int,
    seed: int = 0,
    *,
    memory: float = 0.8,
    scale: float = 1.0,
    offsets: float | Sequence[float] = 0.0,
) -> Answers:
    """A second each; truths are drawn from true probabilities, and what is answered is `scale` · logit + `offsets`.

    `memory` is the correlation of neighbouring frames, of their probabilities as of what comes true.
    """
    random = np.random.default_rng(seed)
    labels = len(manifest.labels)
    logits = 2 * _smooth(random, frames, labels, memory)
    chance = norm.cdf(_smooth(random, frames, labels, memory))
    if manifest.semantics is Semantics.EXCLUSIVE:
        drawn = (logits + gumbel_r.ppf(chance)).argmax(axis=1)
        targets = drawn[:, None] == np.arange(labels)
        answered = softmax(scale * logits + np.asarray(offsets), axis=1)
    else:
        targets = chance < expit(logits)
        answered = expit(scale * logits + np.asarray(offsets))
    return Answers(
        np.arange(frames),
        answered.astype(np.float32),
        targets.astype(np.float32),
        np.full(frames, 1000, dtype=np.int64),
    )


def in_folds(answers: Answers, folds: int = 5, block: int = 16) -> NDArray[np.int64]:
    """Folds of contiguous blocks, in turn."""
    return np.asarray(answers.indices // block % folds)


def one_video(answers: Answers) -> NDArray[np.int64]:
    """All answers are of one video."""
    return np.zeros(len(answers.indices), dtype=np.int64)


def _smooth(random: np.random.Generator, frames: int, columns: int, memory: float) -> Values:
    """Standard normal values (frames × columns), each correlated with the one before."""
    values = random.standard_normal((frames, columns))
    for row in range(1, frames):
        values[row] = memory * values[row - 1] + np.sqrt(1 - memory**2) * values[row]
    return values
