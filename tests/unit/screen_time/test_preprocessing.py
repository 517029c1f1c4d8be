"""The one function between a decoded frame and a model's input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screen_time.manifest import Fit, InputSpec
from screen_time.preprocessing import prepare, without_black_bars
from screen_time.samples import NEUTRAL_RGB, Frame

PAD = InputSpec(224, 398, Fit.PAD)


def picture(height: int, width: int, seed: int = 0) -> Frame:
    """A bright noisy picture."""
    return np.random.default_rng(seed).integers(60, 255, (height, width, 3), dtype=np.uint8)


def barred(height: int, width: int, *, sides: int = 0, top: int = 0, black: int = 16) -> Frame:
    frame = np.full((height, width, 3), black, dtype=np.uint8)
    frame[top : height - top, sides : width - sides] = picture(height - 2 * top, width - 2 * sides)
    return frame


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    spec=st.builds(InputSpec, st.integers(8, 200), st.integers(8, 200), st.sampled_from(Fit)),
)
def test_any_frame_becomes_the_model_s_input(height: int, width: int, spec: InputSpec) -> None:
    """Tiny, tall or wide: always uint8 RGB of the input size."""
    prepared = prepare(picture(height, width), spec)
    assert prepared.shape == (spec.height, spec.width, 3)
    assert prepared.dtype == np.uint8


def test_the_aspect_ratio_is_kept_and_the_rest_is_neutral() -> None:
    """A square picture stands in the middle of a wide input."""
    prepared = prepare(picture(500, 500), PAD)
    left = (PAD.width - PAD.height) // 2
    assert np.all(prepared[:, : left - 1] == NEUTRAL_RGB)
    assert np.all(prepared[:, left + PAD.height + 1 :] == NEUTRAL_RGB)
    assert not np.any(np.all(prepared[:, left : left + PAD.height] == NEUTRAL_RGB, axis=(1, 2)))


@pytest.mark.parametrize(("sides", "top"), [(160, 0), (0, 90), (40, 60)])
def test_bars_at_the_sides_and_above_and_below_are_cut(sides: int, top: int) -> None:
    """4:3 in 16:9 and the other way round."""
    frame = barred(720, 1280, sides=sides, top=top)
    assert without_black_bars(frame).shape == (720 - 2 * top, 1280 - 2 * sides, 3)


def test_a_picture_with_bars_is_prepared_as_the_picture_alone() -> None:
    """What was added around the picture is no part of what the model sees."""
    frame = barred(720, 1280, sides=160)
    assert np.array_equal(prepare(frame, PAD), prepare(frame[:, 160:-160].copy(), PAD))


def test_a_black_frame_stays_whole() -> None:
    """A fade to black has no bars."""
    assert without_black_bars(np.zeros((72, 128, 3), dtype=np.uint8)).shape == (72, 128, 3)


def test_darkness_at_one_side_is_no_bar() -> None:
    """A character may stand before a dark wall."""
    frame = picture(720, 1280)
    frame[:, :200] = 5
    assert without_black_bars(frame).shape == frame.shape


def test_a_small_bright_spot_in_the_dark_is_no_picture_between_bars() -> None:
    """A torch in a night scene."""
    frame = np.full((720, 1280, 3), 8, dtype=np.uint8)
    frame[340:380, 600:680] = 200
    assert without_black_bars(frame).shape == frame.shape


def test_squeezing_fills_the_input_as_the_classic_does() -> None:
    """No bars are cut and nothing is padded."""
    prepared = prepare(barred(720, 1280, sides=160, black=0), InputSpec(224, 224, Fit.SQUEEZE))
    assert np.all(prepared[:, :27] == 0)
