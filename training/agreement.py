"""Whether two forms of a model say the same: the bounds within which the served form may differ from the Keras form."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Manifest, Semantics
from screen_time.summary import margins, presence
from training.dataset import Targets

CONVERSION_TOLERANCE = 1e-3
"""The largest difference of a probability in full precision, before anything is quantised."""

MEAN_TOLERANCE = 0.015
"""The largest mean of the absolute differences of probabilities."""

DOUBT = 0.1
"""A label may differ only where the Keras form itself was undecided: where its margin is below this."""

MOVED = 0.01
"""The largest change of accuracy, and of any label's seconds as a share of the duration."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of n frames: the milliseconds each stands for, and its targets where somebody labelled them."""

    durations_ms: NDArray[np.int64]
    targets: Targets | None = None

    def rows(self, chosen: NDArray[np.intp]) -> Self:
        """The same of some of the frames."""
        return type(self)(self.durations_ms[chosen], None if self.targets is None else self.targets[chosen])


@dataclass(frozen=True, slots=True)
class Differences:
    """How far the served form is from the Keras form, on `frames` frames that it was not quantised with.

    `full_precision`: the largest difference of a probability before quantising. `mean` and `largest` of the absolute
    differences of probabilities. `labels`: how many frames have another label, and `margin` the largest margin that
    the Keras form gave one of them (0 for none). `accuracy` (None without targets) and `seconds`: how far accuracy
    and the seconds of the label that moves most are apart, as shares of all frames and of the duration.
    """

    full_precision: float
    frames: int
    mean: float
    largest: float
    labels: int
    margin: float
    accuracy: float | None
    seconds: float
    grain: float
    """The share of the duration that the longest frame stands for: no figure can move by less."""

    def faults(self) -> list[str]:
        """What is out of bounds, in words; empty for forms that agree.

        On fewer than a hundred frames one of them is more than one percent: one frame may always move.
        """
        moved = max(MOVED, self.grain) + 1e-9
        accuracy = self.accuracy or 0.0
        checks = [
            (self.full_precision <= CONVERSION_TOLERANCE, f"by {self.full_precision:.2g} before quantising"),
            (self.mean <= MEAN_TOLERANCE, f"by {self.mean:.4f} on average (allowed: {MEAN_TOLERANCE})"),
            (
                self.margin < DOUBT,
                f"in the label of {self.labels} of {self.frames} frames, one decided by {self.margin:.2f} "
                f"(allowed: below {DOUBT})",
            ),
            (accuracy <= moved, f"by {100 * accuracy:.1f} % in accuracy (allowed: {100 * moved:.1f} %)"),
            (
                self.seconds <= moved,
                f"by {100 * self.seconds:.1f} % of the duration in a label's seconds (allowed: {100 * moved:.1f} %)",
            ),
        ]
        return [words for holds, words in checks if not holds]

    def metrics(self) -> dict[str, float]:
        """The figures by the names under which they are logged."""
        figures = {
            "full_precision": self.full_precision,
            "mean": self.mean,
            "largest": self.largest,
            "labels": self.labels,
            "seconds_percent": 100 * self.seconds,
        }
        if self.accuracy is not None:
            figures["accuracy_percent"] = 100 * self.accuracy
        return {"served/frames_checked": self.frames} | {f"served/difference_{name}": v for name, v in figures.items()}

    def describe(self) -> str:
        """One sentence for the version's page."""
        accuracy = "" if self.accuracy is None else f", accuracy by {100 * self.accuracy:.1f} points"
        return (
            f"On {self.frames} frames that it was not quantised with, probabilities differ from the Keras form's by "
            f"{self.mean:.4f} on average and {self.largest:.2f} at most, the label of {self.labels} frames{accuracy}, "
            f"and no label's seconds by more than {100 * self.seconds:.1f} % of the duration."
        )


def differences(
    served: Probabilities, reference: Probabilities, shown: Shown, manifest: Manifest, full_precision: float
) -> Differences:
    """Compare answers (n × labels each) to the same frames, by the rule that the function tells labels by."""
    apart = np.abs(served - reference)
    now, before = presence(served, manifest), presence(reference, manifest)
    other = (now != before).any(axis=1)
    decided = _decided(reference, now != before, manifest)
    targets = shown.targets
    total = float(shown.durations_ms.sum())
    seconds = np.abs(((now.astype(int) - before.astype(int)) * shown.durations_ms[:, None]).sum(axis=0)) / total
    return Differences(
        full_precision=full_precision,
        frames=len(served),
        mean=float(apart.mean()),
        largest=float(apart.max()),
        labels=int(other.sum()),
        margin=float(decided[other].max(initial=0)),
        accuracy=None if targets is None else abs(_accuracy(now, targets) - _accuracy(before, targets)),
        seconds=float(seconds.max()),
        grain=float(shown.durations_ms.max()) / total,
    )


def _decided(reference: Probabilities, differs: NDArray[np.bool_], manifest: Manifest) -> NDArray[np.float32]:
    """By how much each frame was decided (n): the best label before the next, or the farthest threshold passed."""
    if manifest.semantics is Semantics.INDEPENDENT:
        distances = np.abs(reference - np.array(manifest.thresholds, dtype=np.float32))
        return np.asarray(np.where(differs, distances, 0).max(axis=1))
    return margins(reference, manifest)


def _accuracy(present: NDArray[np.bool_], targets: Targets) -> float:
    return float((present == (targets == 1)).all(axis=1).mean())
