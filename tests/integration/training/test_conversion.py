"""From Keras to OpenVINO: the same answers, in the way that is fast there."""

import numpy as np

from screen_time.inference_engine import inference_engine
from training import summaries
from training.conversion import to_openvino
from training.environment import import_keras

SHAPE = (14, 24, 64)


def test_the_strongest_places_are_selected_where_they_lie() -> None:
    """Along the places, many channels at once; the values are those of the plain arithmetic."""
    import_keras()
    import keras

    maps = keras.Input(SHAPE)
    tensors = summaries.attach(maps)
    converted = to_openvino(keras.Model(maps, [tensors.pooled, tensors.places]))
    axes = [node.get_attributes()["axis"] for node in converted.get_ops() if node.get_type_name() == "TopK"]
    assert axes == [1]
    frames = np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)
    answers = inference_engine().compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(frames)
    found = np.concatenate([answers[number].reshape(3, -1) for number in range(2)], axis=1)
    assert np.allclose(found, summaries.summarise(frames), rtol=1e-4, atol=1e-5)
