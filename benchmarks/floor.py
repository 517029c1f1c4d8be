"""The floor: decoding alone, and inference alone, each with the whole machine to itself.

`python -m benchmarks.floor VIDEO MODEL` prints the wall and processor seconds of each as JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from screen_time.classifier import AT_ONCE, Classifier
from screen_time.video import Video


def main() -> None:
    """Measure with the video and the model that the command line names."""
    wall, processor = time.perf_counter(), time.process_time()
    with Video.open(Path(sys.argv[1])) as video:
        samples = sum(1 for _ in video.samples())
    decode = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}
    classifier = Classifier.load(Path(sys.argv[2]))
    spec = classifier.input
    frames = np.random.default_rng(0).integers(0, 256, (AT_ONCE, spec.height, spec.width, 3), dtype=np.uint8)
    classifier.classify(frames)
    wall, processor = time.perf_counter(), time.process_time()
    for start in range(0, samples, AT_ONCE):
        classifier.classify(frames[: min(AT_ONCE, samples - start)])
    inference = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - processor}
    print(json.dumps({"decode": decode, "inference": inference, "samples": samples}))


if __name__ == "__main__":
    main()
