"""The classic pipeline, as the article on the screen time of Tom and Jerry has it, in a process of its own.

Read every frame with OpenCV and write one JPEG a second; read the JPEGs back; resize them as scikit-image does; predict
VGG16's features with Keras, then the classes with the article's dense layers (untrained: their speed is what counts).
`python -m benchmarks.classic VIDEO` prints the seconds of each stage and the number of samples as JSON.
"""

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stopwatch import Stopwatch

SIDE = 224
CLASSES = 3


def main() -> None:
    """Measure the video that the command line names."""
    watch = Stopwatch()
    import keras
    from matplotlib import pyplot as plt

    from training.weights import load_weights

    watch.lap("import")
    with tempfile.TemporaryDirectory() as directory:
        count = write_frames(sys.argv[1], Path(directory))
        watch.lap("decode")
        frames = np.array([plt.imread(Path(directory) / f"frame{number}.jpg") for number in range(count)])
    images = np.array([resize(frame).astype(int) for frame in frames])
    images = keras.applications.imagenet_utils.preprocess_input(images, mode="tf")
    watch.lap("resize")
    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    backbone.set_weights(load_weights())
    head = _head()
    watch.lap("model load")
    features = backbone.predict(images, verbose=0).reshape(count, 7 * 7 * 512)
    classes = head.predict(features / features.max(), verbose=0).argmax(axis=1)
    watch.lap("inference")
    seconds = {str(label): int((classes == label).sum()) for label in range(CLASSES)}
    watch.lap("summary")
    print(json.dumps({"stages": watch.stages, "samples": count, "seconds": seconds}))


def write_frames(video: str, directory: Path) -> int:
    """Write frame0.jpg … as the article does, by counting frames; returns how many."""
    import cv2

    capture = cv2.VideoCapture(video)
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = 0
    while capture.isOpened():
        number = capture.get(cv2.CAP_PROP_POS_FRAMES)
        found, frame = capture.read()
        if not found:
            break
        if number % math.floor(rate) == 0:
            cv2.imwrite(str(directory / f"frame{count}.jpg"), frame)
            count += 1
    capture.release()
    return count


def resize(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What scikit-image's `resize(image, (224, 224), preserve_range=True)` does, by the SciPy calls that it makes."""
    from scipy import ndimage

    factors = [image.shape[0] / SIDE, image.shape[1] / SIDE, 1.0]
    sigma = [max(0.0, (factor - 1) / 2) for factor in factors]
    smooth = ndimage.gaussian_filter(image.astype(np.float64), sigma, mode="mirror")
    zoomed = ndimage.zoom(smooth, [1 / factor for factor in factors], order=1, mode="mirror", grid_mode=True)
    return np.asarray(np.clip(zoomed, image.min(), image.max()))


def _head() -> Any:  # noqa: ANN401 (a Keras model; Keras publishes no types)
    from keras import Sequential, layers

    head = Sequential([layers.Input((7 * 7 * 512,))])
    for units in (1024, 512, 256):
        head.add(layers.Dense(units, activation="sigmoid"))
        head.add(layers.Dropout(0.5))
    head.add(layers.Dense(CLASSES, activation="softmax"))
    return head


if __name__ == "__main__":
    main()
