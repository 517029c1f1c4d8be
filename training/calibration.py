"""Probabilities that mean what they say: of the frames that are given 70 %, seven in ten are right.

The parameters are few and drawn towards changing nothing, because what they are fitted to are the few hundred frames
that somebody has labelled, and neighbouring ones are nearly the same picture.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest, Semantics
from training.evaluation import Answers

Values = NDArray[np.float64]

EVIDENCE = 0.25
"""What a frame counts for: one second of a scene says little that its neighbours have not said."""

SCALE_DEVIATION = 0.5
OFFSET_DEVIATION = 0.5
"""Standard deviations of what is expected beforehand: of the scale's logarithm around 0, of offsets around 0."""

NO_DEVIATION = 1e-3
"""Holds offsets at 0."""

LARGEST_LOG_SCALE = 2.0
SMALLEST = 1e-6
"""Probabilities are held this far from 0 and 1 before their logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Exclusive labels: softmax(scale · log p + offset), one scale. Independent: sigmoid(scale · logit p + offset).

    `scales` and `offsets` have one entry a label (exclusive labels: equal scales).
    """

    semantics: Semantics
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def identity(cls, manifest: Manifest) -> Self:
        """The one that changes nothing."""
        labels = len(manifest.labels)
        return cls(manifest.semantics, (1.0,) * labels, (0.0,) * labels)

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """The calibrated probabilities (n × labels)."""
        logits = np.array(self.scales) * _logits(probabilities, self.semantics) + np.array(self.offsets)
        return np.asarray(_probabilities(logits, self.semantics), dtype=np.float32)

    def attach(self, probabilities: Any) -> Any:  # noqa: ANN401  Keras publishes no types
        """The same on a Keras tensor, in Keras's own operations."""
        from keras import layers, ops

        clipped = ops.clip(probabilities, SMALLEST, 1 - SMALLEST)
        logits = ops.log(clipped)
        if self.semantics is Semantics.INDEPENDENT:
            logits = ops.subtract(logits, ops.log(ops.subtract(1.0, clipped)))
        scales, offsets = (np.array(each, dtype=np.float32) for each in (self.scales, self.offsets))
        scaled = ops.add(ops.multiply(logits, scales), offsets)
        return layers.Activation("softmax" if self.semantics is Semantics.EXCLUSIVE else "sigmoid")(scaled)

    def folded(self, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The same as another kernel (units × labels) and bias (labels) of the dense layer that ends a head.

        Its activation stays softmax or sigmoid: a softmax's logits are log p but for a constant, which cancels out.
        """
        scales, offsets = np.array(self.scales), np.array(self.offsets)
        return (kernel * scales).astype(np.float32), (bias * scales + offsets).astype(np.float32)

    def parameters(self, labels: tuple[str, ...]) -> dict[str, float]:
        """What is logged with a run."""
        if self.semantics is Semantics.EXCLUSIVE:
            scales = {"calibration_scale": self.scales[0]}
        else:
            scales = {f"calibration_scale_{label}": each for label, each in zip(labels, self.scales, strict=True)}
        offsets = {f"calibration_offset_{label}": each for label, each in zip(labels, self.offsets, strict=True)}
        return {name: round(value, 4) for name, value in (scales | offsets).items()}


def fit_calibration(answers: Answers, manifest: Manifest, *, offsets: bool = True) -> Calibration:
    """The calibration under which `answers`, out of fold, are most probable, given what is expected beforehand.

    Without `offsets` only scales are fitted: how sure the head is changes, its answers do not.
    """
    deviation = OFFSET_DEVIATION if offsets else NO_DEVIATION
    logits = _logits(answers.probabilities, manifest.semantics)
    targets = answers.targets.astype(np.float64)
    if manifest.semantics is Semantics.EXCLUSIVE:
        scale, shifts = _fitted(logits, targets, manifest.semantics, deviation)
        # A constant added to every offset changes nothing; without one they can be compared.
        return Calibration(manifest.semantics, (scale,) * len(shifts), tuple((shifts - shifts.mean()).tolist()))
    columns = [
        _fitted(logits[:, [each]], targets[:, [each]], manifest.semantics, deviation) for each in range(logits.shape[1])
    ]
    return Calibration(
        manifest.semantics, tuple(scale for scale, _ in columns), tuple(float(offset[0]) for _, offset in columns)
    )


def crossfitted(answers: Answers, manifest: Manifest, folds: NDArray[np.int64], *, offsets: bool = True) -> Answers:
    """The answers, each calibrated by what the other folds' say: what a calibration does for frames it has not seen.

    `folds` (n) tells which fold tested each answer. With a single one nothing is changed.
    """
    probabilities = answers.probabilities.copy()
    for fold in _several(folds):
        here = folds == fold
        calibration = fit_calibration(answers.chosen(~here), manifest, offsets=offsets)
        probabilities[here] = calibration.apply(answers.probabilities[here])
    return replace(answers, probabilities=probabilities)


def _several(folds: NDArray[np.int64]) -> list[int]:
    """The folds; none where there is only one, which leaves nothing to learn from."""
    distinct = np.unique(folds)
    return distinct.tolist() if distinct.size > 1 else []


def _fitted(logits: Values, targets: Values, semantics: Semantics, deviation: float) -> tuple[float, Values]:
    """Scale and offsets (labels) for logits and targets (n × labels); `deviation` is what offsets may be."""
    from scipy.optimize import minimize

    def loss(parameters: Values) -> float:
        calibrated = _probabilities(np.exp(parameters[0]) * logits + parameters[1:], semantics)
        return _loss(calibrated, targets, semantics) + _distance(parameters, deviation)

    labels = logits.shape[1]
    bounds = [(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE), *[(None, None)] * labels]
    found = minimize(loss, np.zeros(1 + labels), method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), np.asarray(found.x[1:], dtype=np.float64)


def _loss(probabilities: Values, targets: Values, semantics: Semantics) -> float:
    clipped = np.clip(probabilities, 1e-12, 1)
    likely = targets * np.log(clipped)
    if semantics is Semantics.INDEPENDENT:
        likely += (1 - targets) * np.log(np.clip(1 - probabilities, 1e-12, 1))
    return float(-EVIDENCE * likely.sum())


def _distance(parameters: Values, deviation: float) -> float:
    """How unexpected parameters are: half the squared distance from changing nothing, in standard deviations."""
    scale, offsets = parameters[0] / SCALE_DEVIATION, parameters[1:] / deviation
    return float(scale**2 + offsets @ offsets) / 2


def _logits(probabilities: Probabilities, semantics: Semantics) -> Values:
    clipped = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    logarithms = np.log(clipped)
    return np.asarray(logarithms if semantics is Semantics.EXCLUSIVE else logarithms - np.log1p(-clipped))


def _probabilities(logits: Values, semantics: Semantics) -> Values:
    from scipy.special import expit, softmax

    return np.asarray(softmax(logits, axis=1) if semantics is Semantics.EXCLUSIVE else expit(logits))
