"""What a model would say of the frames, computed while a person is already labelling."""

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from labelling.frames import Frames
from labelling.sheet import Sheet
from screen_time.classifier import AT_ONCE, Classifier
from screen_time.manifest import Manifest
from screen_time.preprocessing import prepare
from screen_time.samples import Frame
from screen_time.summary import margins, presence
from training.registry import ResolvedModel


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model's answer for one frame, in the label file's names; `margin` tells how sure it is (0: not at all)."""

    labels: tuple[str, ...]
    probabilities: dict[str, float]
    margin: float


class Suggestions:
    """Suggestions for all frames, in order; a thread of its own computes them, `stop` ends it."""

    def __init__(self, model: ResolvedModel, frames: Frames, sheet: Sheet) -> None:
        """Load the model; raises ModelError where it cannot be."""
        self.title = f"version {model.version}" if model.version else f"the model {Path(model.uri).name}"
        self._classifier = Classifier.load(model.directory, model.digest)
        self._names = _own_names(self._classifier.manifest, sheet)
        self._shown = _with_nobody(self._names, self._classifier.manifest, sheet)
        self._frames = frames
        self._found: dict[int, Suggestion] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._compute, name="suggestions", daemon=True)

    @property
    def useful(self) -> bool:
        """Whether the model knows any of the file's characters."""
        return bool(self._names)

    def start(self) -> None:
        """Begin to compute."""
        self._thread.start()

    def stop(self) -> None:
        """End the computation, whatever is left of it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def found(self, after: int) -> tuple[dict[int, Suggestion], bool]:
        """The suggestions beyond the first `after` ones, by time in ms, and whether more will come."""
        more = self._thread.is_alive()
        return dict(list(self._found.items())[after:]), more

    def _compute(self) -> None:
        waiting = list(self._frames.items())
        while waiting and not self._stop.is_set():
            batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            images = [(time_ms, image) for time_ms, path in batch if (image := _read(path)) is not None]
            if images:
                self._answer(images)

    def _answer(self, images: list[tuple[int, Frame]]) -> None:
        manifest = self._classifier.manifest
        prepared = np.stack([prepare(image, manifest.input) for _, image in images])
        probabilities = self._classifier.classify(prepared).probabilities
        shown, sure = presence(probabilities, manifest), margins(probabilities, manifest)
        for (time_ms, _), row, present, margin in zip(images, probabilities, shown, sure, strict=True):
            labels = [label for label, there in zip(manifest.labels, present, strict=True) if there]
            self._found[time_ms] = Suggestion(
                tuple(self._names[label] for label in labels if label in self._names),
                {
                    self._shown[label]: round(float(value), 3)
                    for label, value in zip(manifest.labels, row, strict=True)
                    if label in self._shown
                },
                round(float(margin), 4),
            )


def _own_names(manifest: Manifest, sheet: Sheet) -> dict[str, str]:
    """The label file's names for the model's characters."""
    own = {name.lower(): name for name in sheet.characters}
    return {label: own[label.lower()] for label in manifest.characters if label.lower() in own}


def _with_nobody(names: dict[str, str], manifest: Manifest, sheet: Sheet) -> dict[str, str]:
    """The same names, and the file's for nobody where both have a class for it."""
    if manifest.nobody is None or sheet.nobody is None:
        return names
    return {**names, manifest.nobody: sheet.nobody}


def _read(path: Path) -> Frame | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    return None if image is None else np.asarray(image, dtype=np.uint8)
