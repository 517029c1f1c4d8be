"""Frame numbers can be read back, and are not read where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.numbered import BITS, numbered_frame, read_number

numbers = st.integers(0, 2**BITS - 1)


@given(numbers, st.integers(64, 200), st.integers(48, 150))
def test_numbers_come_back_at_any_size(number: int, width: int, height: int) -> None:
    """Squares need not be square, nor of equal size."""
    assert read_number(numbered_frame(number, width, height)) == number


@given(numbers, st.integers(0, 2**32 - 1))
def test_numbers_survive_noise_and_limited_range(number: int, seed: int) -> None:
    """What lossy codecs do to a picture, and worse."""
    noise = np.random.default_rng(seed).normal(0, 40, (48, 64, 3))
    faded = numbered_frame(number)[..., None] * 0.7 + 40
    assert read_number(np.clip(faded + noise, 0, 255).astype(np.uint8)) == number


@given(numbers, st.sampled_from([1, 2, 3]))
def test_a_picture_that_is_not_upright_has_no_number(number: int, turns: int) -> None:
    """A wrong rotation shows as an error, not as another number."""
    with pytest.raises(ValueError, match="not upright"):
        read_number(np.rot90(numbered_frame(number, 96, 96), turns))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_plain_picture_has_no_number(value: int) -> None:
    """Black frames do not count as frame 0."""
    with pytest.raises(ValueError, match="no frame number"):
        read_number(np.full((48, 64, 3), value, dtype=np.uint8))


@pytest.mark.parametrize("number", [-1, 2**BITS])
def test_numbers_that_do_not_fit_are_refused(number: int) -> None:
    """Nothing wraps around."""
    with pytest.raises(ValueError, match="bits"):
        numbered_frame(number)
