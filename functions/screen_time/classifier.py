"""A model version's served form in memory: frames in, probabilities out."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from screen_time import processors
from screen_time.errors import ModelError
from screen_time.inference_engine import inference_engine
from screen_time.manifest import MANIFEST_NAME, InputSpec, Manifest, sha256
from screen_time.samples import Frame

if TYPE_CHECKING:
    import openvino

Probabilities = NDArray[np.float32]
"""samples × labels, each in 0 … 1."""

Maps = NDArray[np.float32]
"""samples × rows × columns × labels, at least 0: how much each place of a frame spoke for each label.

Only the places of one frame and one label can be compared with each other.
"""

MODEL_FILE = "model.xml"
"""The OpenVINO IR's graph; its weights lie beside it in model.bin."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of some frames; `maps` is None for a model that does not tell where it looked."""

    probabilities: Probabilities
    maps: Maps | None


STREAMS = processors.available()
"""Frames classified at once, each on one thread: as fast as threads that share a frame while nothing else runs, and
faster while the decoder does, since no thread waits for another."""

AT_ONCE = 2 * STREAMS
"""Frames given to a model at once: the next one is there when a thread is done with its own, and more hold memory."""

OPTIONS = {
    "NUM_STREAMS": str(STREAMS),
    "INFERENCE_NUM_THREADS": str(STREAMS),
    # The decoder takes now this processor and now that one; a thread that may not leave its own would wait there.
    "ENABLE_CPU_PINNING": "NO",
    # Left to itself, what is not quantised is computed in bfloat16 where the processor has it: other figures elsewhere.
    "INFERENCE_PRECISION_HINT": "f32",
}
"""How OpenVINO compiles a model."""


class Classifier:
    """An OpenVINO model compiled for this machine's processor, with the manifest it came with."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        """Compile the verified files in `directory` and try them; raises ModelError where that fails."""
        self.manifest = manifest
        try:
            compiled = inference_engine().compile_model(directory / MODEL_FILE, "CPU", OPTIONS)
        except RuntimeError as error:
            raise ModelError(f"the model's {MODEL_FILE} cannot be loaded: {error}") from error
        self._compiled = compiled
        self._try()

    @classmethod
    def load(cls, directory: Path, digest: str | None = None) -> Self:
        """Verify every file in `directory`, then compile and try the model.

        `digest` is the manifest's expected SHA-256, as the registry has it (None trusts the directory). Raises
        ModelError.
        """
        return cls(directory, verified_manifest(directory, digest))

    @property
    def input(self) -> InputSpec:
        """The frames that `probabilities` takes."""
        return self.manifest.input

    def probabilities(self, frames: NDArray[np.uint8]) -> Probabilities:
        """Classify uint8 RGB `frames` (n × height × width × 3) as `preprocessing.prepare` made them: n × labels."""
        return self.classify(frames).probabilities

    def classify(self, frames: NDArray[np.uint8]) -> Answer:
        """Like `probabilities`, and where in each frame the model looked, if it can tell (its second output)."""
        line, answers = self.line(), []
        for frame in frames:
            if line.is_full:
                answers.append(line.take())
            line.put(frame)
        answers += [line.take() for _ in range(len(line))]
        return _joined(answers)

    def line(self) -> "Line":
        """A new line of frames for this model; threads that share a model have one each."""
        return Line(self._compiled)

    def _try(self) -> None:
        blank: Frame = np.zeros((1, self.input.height, self.input.width, 3), dtype=np.uint8)
        try:
            row = self.probabilities(blank)
        except RuntimeError as error:
            raise ModelError(f"the model fails on a blank frame: {error}") from error
        if row.shape != (1, len(self.manifest.labels)) or not np.all((row >= 0) & (row <= 1)):
            raise ModelError("the model does not return one probability for each of its labels")


class Line:
    """Up to AT_ONCE frames on their way through a model; their answers come in the order in which they went in."""

    def __init__(self, compiled: "openvino.CompiledModel") -> None:
        self._free = [compiled.create_infer_request() for _ in range(AT_ONCE)]
        # The request last: whoever drops a line that is at work drops it first, and that waits until it has read.
        self._at_work: deque[tuple[float, Frame, openvino.InferRequest]] = deque()
        self._finished = 0.0
        self.seconds = 0.0
        """For how long there was a frame on its way, of all those taken."""

    def __len__(self) -> int:
        return len(self._at_work)

    @property
    def is_full(self) -> bool:
        """Whether an answer has to be taken before another frame."""
        return not self._free

    def put(self, frame: Frame) -> None:
        """Send a frame on its way, uint8 RGB as `preprocessing.prepare` made it, which may not change until then."""
        request = self._free.pop()
        self._at_work.append((time.perf_counter(), frame, request))
        request.start_async([frame[None]], share_inputs=True)

    def take(self) -> Answer:
        """The answer to the frame that has been on its way the longest: one row."""
        put, _frame, request = self._at_work[0]
        request.wait()
        # Copied: the request is used again.
        probabilities, *maps = (np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors)
        finished = put + request.latency / 1000
        self.seconds += max(0.0, finished - max(put, self._finished))
        self._finished = max(finished, self._finished)
        self._at_work.popleft()
        self._free.append(request)
        return Answer(probabilities, maps[0] if maps else None)


def _joined(answers: Sequence[Answer]) -> Answer:
    maps = [answer.maps for answer in answers if answer.maps is not None]
    probabilities = np.concatenate([answer.probabilities for answer in answers])
    return Answer(probabilities, np.concatenate(maps) if maps else None)


def verified_manifest(directory: Path, digest: str | None = None) -> Manifest:
    """The manifest in `directory`, after every file it names was compared with its SHA-256; raises ModelError."""
    try:
        data = (directory / MANIFEST_NAME).read_bytes()
        if digest is not None and sha256(data) != digest:
            raise ModelError(f"the model's {MANIFEST_NAME} differs from the digest that the registry has for it")
        manifest = Manifest.from_json(data)
        for name, expected in manifest.files.items():
            if sha256((directory / name).read_bytes()) != expected:
                raise ModelError(f"the model's {name} differs from its digest")
    except OSError as error:
        raise ModelError(f"a file of the model cannot be read: {error}") from error
    return manifest
