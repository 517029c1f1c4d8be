"""Kernels in two halves: where nothing is lost, what is left alone."""

from typing import Any

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset13

from screen_time.inference_engine import inference_engine
from training.separable_kernels import separate, worth_separating

CHANNELS, RANK = 32, 8


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    """Eight frames of noise."""
    return np.random.default_rng(0).integers(0, 256, (8, 24, 32, 3), dtype=np.uint8)


def chain(*, skip: bool = False, rank: int = RANK) -> openvino.Model:
    """Three rectified convolutions of CHANNELS, whose kernels are sums of `rank` separable ones; `skip` joins two."""
    generator = np.random.default_rng(1)
    frames = opset13.parameter([-1, 24, 32, 3], np.uint8)
    turned = opset13.transpose(opset13.convert(frames, np.float32), [0, 3, 1, 2])
    maps, before = opset13.multiply(turned, np.float32(1 / 255)), None
    for depth in (3, CHANNELS, CHANNELS):
        down = generator.normal(size=(rank, depth, 3)) / np.sqrt(9 * depth)
        across = generator.normal(size=(CHANNELS, rank, 3))
        kernel = np.einsum("rdi,crj->cdij", down, across).astype(np.float32)
        convolution = opset13.convolution(maps, opset13.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
        bias = generator.normal(size=(1, CHANNELS, 1, 1)).astype(np.float32)
        rectified = opset13.relu(opset13.add(convolution, opset13.constant(bias)))
        maps, before = opset13.add(rectified, before) if skip and before is not None else rectified, rectified
    return openvino.Model([maps], [frames])


def answers(model: openvino.Model, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    compiled = inference_engine().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled(frames)[0])


def multiplications(model: openvino.Model) -> int:
    """A frame's, of all convolutions."""
    found: list[Any] = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return sum(
        int(np.prod(node.input(1).get_shape())) * int(np.prod(node.output(0).get_partial_shape().get_max_shape()[2:]))
        for node in found
    )


def test_kernels_that_are_separable_lose_nothing(frames: NDArray[np.uint8]) -> None:
    """Sums of eight separable ones: a third of the arithmetic, and the answers to frames never seen are the same."""
    model = chain()
    reduced = separate(model, frames[:6], 0.35)
    assert multiplications(reduced) <= 0.35 * multiplications(model)
    expected = answers(model, frames[6:])
    assert np.abs(answers(reduced, frames[6:]) - expected).max() < 0.01 * expected.max()


def test_the_less_arithmetic_the_further_off(frames: NDArray[np.uint8]) -> None:
    """Where kernels are anything but separable."""
    model = chain(rank=3 * CHANNELS)
    expected = answers(model, frames[6:])
    shares = (0.4, 0.6, 0.9)
    reduced = [separate(model, frames[:6], share) for share in shares]
    errors = [float(np.abs(answers(each, frames[6:]) - expected).mean()) for each in reduced]
    assert errors == sorted(errors, reverse=True)
    assert all(
        multiplications(each) <= share * multiplications(model) for each, share in zip(reduced, shares, strict=True)
    )


def test_a_model_that_is_no_chain_stays_as_it_is(frames: NDArray[np.uint8]) -> None:
    """A residual network's convolutions see more than the one before."""
    model = chain(skip=True)
    assert np.array_equal(answers(separate(model, frames, 0.4), frames), answers(model, frames))


def test_pictures_of_one_colour_will_do(frames: NDArray[np.uint8]) -> None:
    """Labels of a dark scene alone: what they tell of kernels is little, but their own answers stay."""
    model, dark = chain(), np.zeros_like(frames)
    expected = answers(model, dark)
    assert np.abs(answers(separate(model, dark, 0.4), dark) - expected).max() < 0.05 * expected.max()


def test_the_model_itself_is_not_touched(frames: NDArray[np.uint8]) -> None:
    """The next way to quantise starts from it."""
    model = chain()
    before = answers(model, frames)
    separate(model, frames, 0.4)
    assert np.array_equal(answers(model, frames), before)


def test_the_same_model_and_frames_give_the_same_kernels(frames: NDArray[np.uint8]) -> None:
    """To the bit: a version can be made again."""
    first, again = (answers(separate(chain(), frames, 0.4), frames) for _ in range(2))
    assert np.array_equal(again, first)


def test_kernels_that_are_separable_already_are_left_alone(frames: NDArray[np.uint8]) -> None:
    """A version of ours that is exported once more."""
    reduced = separate(chain(), frames, 0.35)
    assert worth_separating(chain())
    assert not worth_separating(reduced)
    assert np.array_equal(answers(separate(reduced, frames, 0.35), frames), answers(reduced, frames))
