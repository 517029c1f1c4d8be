"""Ours without its speed: the same samples and preparation, one after the other, predicted with Keras.

`python -m benchmarks.plain_keras VIDEO MODEL` prints the seconds of each stage and the number of samples as JSON.
"""

import json
import sys
from pathlib import Path

from benchmarks.stopwatch import Stopwatch

BATCH = 32


def main() -> None:
    """Measure the video that the command line names, at the input size of the model in the directory that it names."""
    watch = Stopwatch()
    import numpy as np

    from benchmarks.model import keras_model
    from screen_time.classifier import verified_manifest
    from screen_time.preprocessing import prepare
    from screen_time.video import Video
    from training.environment import import_keras

    import_keras()
    watch.lap("import")
    spec = verified_manifest(Path(sys.argv[2])).input
    model = keras_model()
    watch.lap("model load")
    frames = []
    with Video.open(Path(sys.argv[1])) as video:
        for sample in video.samples():
            watch.lap("decode")
            frames.append(prepare(sample.image, spec))
            watch.lap("resize")
    watch.lap("decode")
    probabilities, _maps = model.predict(np.stack(frames), batch_size=BATCH, verbose=0)
    watch.lap("inference")
    print(json.dumps({"stages": watch.stages, "samples": len(probabilities)}))


if __name__ == "__main__":
    main()
