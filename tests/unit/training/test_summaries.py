"""What is kept of a frame's maps."""

import numpy as np
import pytest

from training import summaries
from training.environment import import_keras


def test_maps_become_roots_of_their_summaries() -> None:
    """By hand: channel 1 is 4 at one of eight places, which is also the strongest twentieth of them."""
    maps = np.zeros((1, 2, 4, 3), dtype=np.float32)
    maps[0, 0, 0, 1] = 4
    vector = summaries.summarise(maps)[0]
    half = np.float32(0.5**0.5)
    assert vector.tolist() == [0, half, 0, 0, 2, 0, 0, 2, 0, *(0, 2, 0), *(0, 0, 0)]


def test_parts_are_found_again() -> None:
    """Summaries by name, places by row and column."""
    maps = np.random.default_rng(0).random((2, 4, 6, 512)).astype(np.float32)
    vectors = summaries.summarise(maps)
    assert np.allclose(summaries.pooled(vectors, (summaries.MAXIMUM,)) ** 2, maps.max(axis=(1, 2)), atol=1e-6)
    places = summaries.places(vectors)
    assert places.shape == (2, 6, 512)
    assert np.allclose(places[:, 4] ** 2, maps[:, 2:4, 2:4].max(axis=(1, 2)), atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (5, 7), (14, 24)])
def test_keras_layers_keep_the_same(rows: int, columns: int) -> None:
    """Odd maps lose their last row and column of places in both."""
    import_keras()
    import keras

    maps = np.random.default_rng(1).random((3, rows, columns, 8)).astype(np.float32)
    tensor = keras.Input((rows, columns, 8))
    tensors = summaries.attach(tensor)
    model = keras.Model(tensor, [*(tensors.pooled[name] for name in summaries.POOLED), tensors.places])
    parts = [np.asarray(part).reshape(3, -1) for part in model(maps)]
    assert np.allclose(np.concatenate(parts, axis=1), summaries.summarise(maps), atol=1e-5)
