"""Whether the fast path answers as the slow one does: every sample of every video, by both.

`python -m benchmarks.agreement MODEL VIDEO...` prints a row for each video, and the bounds that one breaks. MODEL is an
MLflow model URI. The slow path has none of what makes the function fast: one thread decodes every frame, the one on
display at each second is prepared, and Keras answers it, in single precision. The function's own path measures the same
file: frames are left out, decoded in a child, taken over where they do not change, and answered in eight bits.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from screen_time.classifier import Classifier, Probabilities
from screen_time.manifest import InputSpec
from screen_time.measurement import measure
from screen_time.preprocessing import prepare
from screen_time.samples import Frame
from training.agreement import Differences, Shown, differences
from training.dataset import Frames
from training.environment import import_keras, no_warnings
from training.registry import resolve

if TYPE_CHECKING:
    import keras

AT_ONCE = 8

HEADER = "| video | samples | mean | largest | other labels | decided by | seconds, % | out of bounds |"


def main() -> None:
    """Compare on the videos that the command line names, with the model that it names."""
    uri, videos = next(iter(sys.argv[1:]), ""), [Path(name) for name in sys.argv[2:]]
    if not videos or not all(video.is_file() for video in videos):
        sys.exit("Give an MLflow model URI and the files of videos.")
    model = resolve(uri)
    classifier = Classifier.load(model.directory, model.digest)
    reference = _keras_form(uri)
    print(HEADER)
    print("| --- |" + " --- |" * (HEADER.count("|") - 2))
    for video in videos:
        print(row(video.name, compare(video, classifier, reference)), flush=True)


def row(video: str, found: Differences) -> str:
    """Of the table below HEADER."""
    return (
        f"| {video} | {found.frames} | {found.mean:.4f} | {found.largest:.2f} | {found.labels} | "
        f"{found.margin:.2f} | {100 * found.seconds:.1f} | {'; '.join(found.faults()) or 'nothing'} |"
    )


def compare(video: Path, classifier: Classifier, reference: "keras.Model") -> Differences:
    """Both paths' answers to a video; raises ValueError where they have not the same number of samples."""
    fast = measure(video, classifier)
    slow = np.concatenate([_answers(reference, frames) for frames in _prepared(video, classifier.input)])
    if len(fast.probabilities) != len(slow):
        raise ValueError(f"{video}: {len(fast.probabilities)} samples on the fast path, {len(slow)} on the slow one")
    shown = Shown(np.array(fast.durations_ms, dtype=np.int64))
    # The slow answers are Keras's own: nothing stands for them that could differ before quantising.
    return differences(fast.probabilities, slow, shown, classifier.manifest, full_precision=0.0)


def every_frame(video: Path) -> Iterator[tuple[Fraction, Fraction, Frame]]:
    """All frames of a video, with the seconds from the first at which each comes and goes."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        origin: Fraction | None = None
        for frame in container.decode(stream):
            if frame.pts is None or frame.time_base is None:
                raise ValueError(f"{video}: a frame has no time")
            time = frame.pts * frame.time_base
            origin = time if origin is None else origin
            comes, lasts = time - origin, (frame.duration or 0) * frame.time_base
            yield comes, comes + lasts, np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def each_second(video: Path) -> Iterator[Frame]:
    """The frame on display at 0 s, 1 s, 2 s … until the last one goes."""
    seconds = 0
    before: tuple[Fraction, Frame] | None = None
    for comes, goes, image in every_frame(video):
        while before is not None and comes > seconds:
            yield before[1]
            seconds += 1
        before = goes, image
    while before is not None and before[0] > seconds:
        yield before[1]
        seconds += 1


def _prepared(video: Path, spec: InputSpec) -> Iterator[Frames]:
    """Samples as the model takes them, some at once."""
    images = (prepare(image, spec) for image in each_second(video))
    while batch := list(islice(images, AT_ONCE)):
        yield np.stack(batch)


def _answers(reference: "keras.Model", frames: Frames) -> Probabilities:
    return np.asarray(reference.predict(frames, verbose=0), dtype=np.float32)


def _keras_form(uri: str) -> "keras.Model":
    import_keras()
    import mlflow

    with no_warnings():
        return mlflow.keras.load_model(uri)


if __name__ == "__main__":
    main()
