"""Models cut behind their convolutions, and quantised convolutions that another head finds again."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset13

from screen_time.inference_engine import inference_engine
from training import quantisation
from training.convolutions import join, split
from training.quantisation import RECIPES, Recipe, quantise
from training.separable_kernels import separate

PLAIN = next(recipe for recipe in RECIPES if recipe.name == "plain")


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    """Four frames of noise."""
    return np.random.default_rng(0).integers(0, 256, (4, 16, 24, 3), dtype=np.uint8)


def model(head: int = 0, *, skip: bool = False) -> openvino.Model:
    """Two rectified convolutions and a linear `head` on their averages; with `skip` it sees the first ones too."""
    generator = np.random.default_rng(1)
    frames = opset13.parameter([-1, 16, 24, 3], np.uint8)
    maps = opset13.transpose(opset13.divide(opset13.convert(frames, np.float32), np.float32(255)), [0, 3, 1, 2])
    seen = []
    for depth in (3, 8):
        kernel = generator.normal(size=(8, depth, 3, 3)).astype(np.float32) / depth
        bias = opset13.constant(generator.normal(size=(1, 8, 1, 1)).astype(np.float32))
        convolution = opset13.convolution(maps, opset13.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
        maps = opset13.relu(opset13.add(convolution, bias))
        seen.append(opset13.reduce_mean(maps, [2, 3]))
    averages = opset13.add(*seen) if skip else seen[-1]
    weights = np.random.default_rng(10 + head).normal(size=(8, 2)).astype(np.float32)
    return openvino.Model([opset13.matmul(averages, opset13.constant(weights), False, False)], [frames])


def answers(model: openvino.Model, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.array(inference_engine().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(frames)[0])


def test_both_parts_put_together_answer_as_the_whole(frames: NDArray[np.uint8]) -> None:
    """And the model itself is left as it was."""
    whole = model()
    expected = answers(whole, frames)
    parts = split(whole)
    assert parts is not None
    convolutions, head = parts
    assert [node.get_type_name() for node in convolutions.get_ordered_ops()].count("Convolution") == 2
    assert "Convolution" not in [node.get_type_name() for node in head.get_ordered_ops()]
    assert np.array_equal(answers(join(convolutions, head), frames), expected)
    assert np.array_equal(answers(whole, frames), expected)


def test_a_head_that_sees_more_than_the_last_responses_is_not_cut_off(frames: NDArray[np.uint8]) -> None:
    """It is quantised in one, and close all the same."""
    whole = model(skip=True)
    assert split(whole) is None
    assert np.abs(answers(quantise(whole, frames, PLAIN), frames) - answers(whole, frames)).max() < 0.1


def test_a_model_without_convolutions_is_not_cut() -> None:
    """There is nothing to quantise in it."""
    frames = opset13.parameter([-1, 16, 24, 3], np.uint8)
    assert split(openvino.Model([opset13.convert(frames, np.float32)], [frames])) is None


def test_quantised_convolutions_are_found_again_by_another_head(
    frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each head answers for itself; NNCF is not even imported for the second one."""
    first = answers(quantise(model(0), frames, PLAIN), frames)
    monkeypatch.setattr(quantisation, "_import_nncf", Mock(side_effect=AssertionError("quantised again")))
    assert np.array_equal(answers(quantise(model(0), frames, PLAIN), frames), first)
    second = answers(quantise(model(1), frames, PLAIN), frames)
    assert np.abs(second - answers(model(1), frames)).max() < 0.1
    assert np.abs(second - first).max() > 0.1


def test_recipes_that_come_to_the_same_are_quantised_once(
    frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels that are separable already get no cheaper, whatever share of their arithmetic is wanted."""
    separable = separate(model(), frames, share=0)
    first = answers(quantise(separable, frames, RECIPES[0]), frames)
    monkeypatch.setattr(quantisation, "_import_nncf", Mock(side_effect=AssertionError("quantised again")))
    alike = [each for each in RECIPES if replace(each, name="", share=1) == Recipe("")]
    assert len(alike) > 1
    for recipe in alike:
        assert np.array_equal(answers(quantise(separable, frames, recipe), frames), first)


def test_other_frames_and_other_recipes_quantise_anew(
    frames: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found again was made of exactly this."""
    quantise(model(), frames, PLAIN)
    monkeypatch.setattr(quantisation, "_import_nncf", Mock(side_effect=AssertionError("quantised again")))
    for other, recipe in ((frames[:3], PLAIN), (frames, RECIPES[-1])):
        with pytest.raises(AssertionError, match="quantised again"):
            quantise(model(), other, recipe)
