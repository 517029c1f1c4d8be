"""The classic head's optimizer against Keras's own."""

import numpy as np
import pytest

from training.environment import import_keras


def test_its_steps_are_those_of_keras_adam() -> None:
    """Twenty steps from the same weights on the same examples lead to the same weights."""
    import_keras()
    import keras

    from training.fused_adam import FusedAdam

    generator = np.random.default_rng(0)
    vectors, targets = generator.random((64, 20)), np.eye(3)[generator.integers(0, 3, 64)]
    learned = []
    for optimizer in (keras.optimizers.Adam(), FusedAdam()):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, "sigmoid"), keras.layers.Dense(3)])
        started = model.get_weights()
        model.compile(optimizer=optimizer, loss="mse")
        model.fit(vectors, targets, epochs=5, batch_size=16, verbose=0)
        learned.append(model.get_weights())
    for ours, keras_own, start in zip(learned[1], learned[0], started, strict=True):
        assert ours == pytest.approx(keras_own, abs=1e-6)
        assert not np.allclose(ours, start, atol=1e-3)
