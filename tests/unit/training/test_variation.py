"""Varied copies: another look of the same scene, the same each time for the same frame."""

import numpy as np

from screen_time.manifest import Fit, InputSpec
from training.variation import vary

SPEC = InputSpec(56, 100, Fit.PAD)


def frame() -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """A gradient with a red square."""
    image = np.tile(np.linspace(40, 220, 320).astype(np.uint8)[None, :, None], (180, 1, 3))
    image[60:120, 100:160] = (220, 30, 30)
    return image


def test_a_copy_has_the_model_s_size_and_another_look() -> None:
    """uint8 RGB, not the frame itself."""
    copies = [vary(frame(), SPEC, np.random.default_rng(seed)) for seed in range(12)]
    assert {copy.shape for copy in copies} == {(56, 100, 3)}
    assert {copy.dtype for copy in copies} == {np.dtype(np.uint8)}
    assert len({copy.tobytes() for copy in copies}) == 12


def test_the_same_draw_gives_the_same_copy() -> None:
    """So the features of a second training come from the cache."""
    one, other = (vary(frame(), SPEC, np.random.default_rng((0, 1, 5000))) for _ in range(2))
    assert np.array_equal(one, other)


def test_tiny_frames_and_single_colours_survive() -> None:
    """A blank card, an icon."""
    for shape in ((1, 1, 3), (3, 500, 3), (720, 1280, 3)):
        assert vary(np.full(shape, 255, np.uint8), SPEC, np.random.default_rng(3)).shape == (56, 100, 3)
