"""What people look at in MLflow: confusion matrices, learning curves, and the worst mistakes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Maps
from screen_time.manifest import Manifest, Semantics
from screen_time.samples import Frame
from screen_time.summary import presence
from training.dataset import Dataset
from training.evaluation import Answers, Scores, mistakes
from training.head import Epoch
from training.probability_scores import probability_scores, reliability
from training.validation import LearningPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEET_COLUMNS, SHEET_ROWS = 4, 5


def confusion_figure(title: str, scores: Scores, manifest: Manifest) -> "Figure":
    """Frames by what they show and what was predicted: one matrix, or one for each independent label."""
    from sklearn.metrics import ConfusionMatrixDisplay

    exclusive = manifest.semantics is Semantics.EXCLUSIVE
    matrices = [scores.confusion] if exclusive else list(scores.confusion)
    figure = _figure(4.5 * len(matrices), 4)
    for column, matrix in enumerate(matrices):
        axes = figure.add_subplot(1, len(matrices), column + 1)
        names = manifest.labels if exclusive else ("absent", manifest.labels[column])
        ConfusionMatrixDisplay(matrix, display_labels=names).plot(ax=axes, cmap="Blues", colorbar=False)
        axes.set(xlabel="predicted", ylabel="shown")
    figure.suptitle(f"{title}: accuracy {scores.accuracy:.1%}")
    return figure


def epochs_figure(epochs: Sequence[Epoch]) -> "Figure":
    """Loss and accuracy by epoch, on the examples learned from and on those held out."""
    figure = _figure(9, 4)
    for position, name in enumerate(("loss", "accuracy")):
        axes = figure.add_subplot(1, 2, position + 1)
        for key, legend in ((name, "learned from"), (f"val_{name}", "held out")):
            axes.plot(range(1, len(epochs) + 1), [epoch[key] for epoch in epochs], label=legend)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
    return figure


def reliability_figure(answers: Answers, manifest: Manifest) -> "Figure":
    """How often what is given a probability comes true: on the diagonal, probabilities mean what they say."""
    scores = probability_scores(answers, manifest)
    figure = _figure(5, 5)
    axes = figure.add_subplot()
    axes.plot((0, 1), (0, 1), linestyle=":", color="grey", label="as it should be")
    for label, bins in reliability(answers, manifest).items():
        confidences, frequencies = ([getattr(each, name) for each in bins] for name in ("confidence", "frequency"))
        (line,) = axes.plot(confidences, frequencies, label=label)
        axes.scatter(confidences, frequencies, s=[10 + each.count for each in bins], color=line.get_color(), alpha=0.6)
    axes.set(xlabel="probability given (areas: frames)", ylabel="share that came true", xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.set_title(f"expected calibration error {scores.ece:.3f} (by chance {scores.ece_by_chance:.3f})")
    axes.legend()
    return figure


def learning_curve_figure(points: Sequence[LearningPoint]) -> "Figure":
    """Accuracy on held-out groups by the number of frames learned from: whether more labels would help."""
    figure = _figure(5, 4)
    axes = figure.add_subplot()
    axes.plot([point.frames for point in points], [point.accuracy for point in points], marker="o")
    axes.set(xlabel="labelled frames learned from", ylabel="accuracy on held-out groups", ylim=(0, 1))
    return figure


def mistakes_figure(answers: Answers, dataset: Dataset, manifest: Manifest, maps: Maps | None = None) -> "Figure":
    """A contact sheet of the most confident wrong answers, the worst first.

    `maps` (a row for each example of the dataset) light up what the model looked at for the label it predicted.
    """
    figure = _figure(4 * SHEET_COLUMNS, 2.8 * SHEET_ROWS)
    worst = mistakes(answers, manifest)[: SHEET_COLUMNS * SHEET_ROWS]
    for place, position in enumerate(worst.tolist()):
        axes = figure.add_subplot(SHEET_ROWS, SHEET_COLUMNS, place + 1)
        index = int(answers.indices[position])
        frame = dataset.frames[manifest.input][index]
        axes.imshow(frame if maps is None else _lit(frame, maps[index, ..., answers.probabilities[position].argmax()]))
        axes.set_axis_off()
        axes.set_title(f"{dataset.describe(index)}\n{_verdict(answers, position, manifest)}", fontsize=9)
    if not worst.size:
        figure.text(0.5, 0.5, "No mistake on the held-out frames.", ha="center")
    return figure


def _lit(frame: Frame, looked: NDArray[np.float32]) -> Frame:
    """The frame, dimmed but for where the model looked (rows × columns, at least 0)."""
    size = (frame.shape[1], frame.shape[0])
    light = cv2.resize(looked / max(float(looked.max()), 1e-6), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(frame * (0.35 + 0.65 * light[..., None]), dtype=np.uint8)


def _verdict(answers: Answers, position: int, manifest: Manifest) -> str:
    probabilities = answers.probabilities[position : position + 1]
    predicted = presence(probabilities, manifest)[0]
    shown = answers.targets[position] == 1
    rows = zip(manifest.labels, probabilities[0], predicted | shown, strict=True)
    sure = ", ".join(f"{label} {value:.0%}" for label, value, named in rows if named)
    return f"shown {_names(shown, manifest)}, predicted {_names(predicted, manifest)} ({sure})"


def _names(present: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], manifest: Manifest) -> str:
    return " + ".join(label for label, here in zip(manifest.labels, present, strict=True) if here) or "nobody"


def _figure(width: float, height: float) -> "Figure":
    """A figure without a window system behind it."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
