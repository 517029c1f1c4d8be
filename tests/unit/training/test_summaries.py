"""What is kept of a frame's maps."""

import numpy as np
import pytest

from training import summaries
from training.environment import import_keras


def test_maps_become_roots_of_their_summaries_in_units_of_how_places_differ() -> None:
    """By hand: channel 1 is 4 at one of eight places, which is also the strongest twentieth of them."""
    maps = np.zeros((1, 2, 4, 3), dtype=np.float32)
    maps[0, 0, 0, 1] = 4
    differ = np.std([0, 2, 0, 0, 0, 0])
    vector = summaries.summarise(maps)[0]
    assert np.allclose(vector * differ, [0, 2, 0, 0, 2, 0, *(0, 2, 0), *(0, 0, 0)])


def test_stronger_maps_of_the_same_picture_are_summarised_alike() -> None:
    """Another light, another drawing."""
    maps = np.random.default_rng(0).random((2, 4, 6, 8)).astype(np.float32)
    assert np.allclose(summaries.summarise(9 * maps), summaries.summarise(maps), rtol=1e-5)


def test_a_blank_frame_is_nothing() -> None:
    """It has no places that differ, and no summary of it is infinite."""
    assert not summaries.summarise(np.zeros((1, 2, 4, 3), dtype=np.float32)).any()


def test_parts_are_found_again() -> None:
    """Pooled summaries, and places by row and column."""
    maps = np.random.default_rng(0).random((2, 4, 6, 512)).astype(np.float32)
    vectors = summaries.summarise(maps)
    places = summaries.places(vectors)
    assert places.shape == (2, 6, 512)
    roots = np.sqrt(maps.reshape(2, 2, 2, 3, 2, 512).max(axis=(2, 4)).reshape(2, 6, 512))
    differ = roots.std(axis=(1, 2), keepdims=True)
    assert np.allclose(places * differ, roots, atol=1e-5)
    assert np.allclose(summaries.pooled(vectors)[:, :512] * differ[:, 0], np.sqrt(maps.max(axis=(1, 2))), atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (5, 7), (14, 24)])
def test_keras_layers_keep_the_same(rows: int, columns: int) -> None:
    """Odd maps lose their last row and column of places in both."""
    import_keras()
    import keras

    maps = np.random.default_rng(1).random((3, rows, columns, 8)).astype(np.float32)
    tensor = keras.Input((rows, columns, 8))
    tensors = summaries.attach(tensor)
    model = keras.Model(tensor, [tensors.pooled, tensors.places])
    parts = [np.asarray(part).reshape(3, -1) for part in model(maps)]
    assert np.allclose(np.concatenate(parts, axis=1), summaries.summarise(maps), atol=1e-5)
