"""From FP32 to what is served: fewer multiplications, in INT8. Of the convolutions, and of nothing after them."""

import hashlib
import io
import logging
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, cast

from screen_time.inference_engine import inference_engine
from training import separable_kernels
from training.conversion import number_anew, store_model
from training.convolutions import join, looks_around, split
from training.dataset import Frames
from training.environment import cache_directory, no_warnings

if TYPE_CHECKING:
    import openvino


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to quantise; the later ones in RECIPES cost speed for accuracy.

    `share`: how much of the convolutions' arithmetic is kept (1: all of it, and the kernels as they are). `asymmetric`
    activations use their whole range where they are not positive; `first_in_float` leaves the first convolution, which
    sees the picture itself, as it is.
    """

    name: str
    share: float = 1.0
    asymmetric: bool = False
    first_in_float: bool = False


RECIPES = (
    Recipe("separable kernels", share=0.4),
    Recipe("separable kernels of higher rank", share=0.6),
    Recipe("plain"),
    Recipe("first convolution in floating point", first_in_float=True),
    Recipe("asymmetric activations, first convolution in floating point", asymmetric=True, first_in_float=True),
)

_REVISION = 1
"""Counted up whenever the same convolutions, frames and recipe give something else."""


def quantise(model: "openvino.Model", frames: Frames, recipe: Recipe) -> "openvino.Model":
    """`model` in INT8, with ranges and ranks as `frames` have them; the same model and frames give the same one.

    Weights use seven of their eight bits (NNCF's overflow fix): processors without VNNI add products up in 16 bits,
    and would saturate. The head, a thousandth of the arithmetic, stays in floating point: convolutions that were
    quantised for the same frames before come from the cache, whatever follows them.
    """
    if recipe.share < 1 and not separable_kernels.worth_separating(model):
        recipe = replace(recipe, share=1.0)  # the cache knows that nothing else comes out of it
    parts = split(model)
    if parts is None:
        quantised = _quantise(model, frames, recipe)
    else:
        convolutions, head = parts
        path = cache_directory("quantised") / f"{_digest(convolutions, frames, recipe)}.xml"
        if not path.exists():
            store_model(path, _quantise(convolutions, frames, recipe))
        quantised = join(inference_engine().read_model(path), head)
    number_anew(quantised)
    return quantised


def fingerprint(frames: Frames, recipe: Recipe) -> str:
    """Hexadecimal SHA-256 of all that quantising the same convolutions depends on; a name changes nothing."""
    recipe = replace(recipe, name="")
    tools = [(name, version(name)) for name in ("openvino", "nncf")]
    digest = hashlib.sha256(repr((_REVISION, separable_kernels.REVISION, tools, recipe, frames.shape)).encode())
    digest.update(frames.tobytes())
    return digest.hexdigest()


def _digest(convolutions: "openvino.Model", frames: Frames, recipe: Recipe) -> str:
    """Of everything that the quantised convolutions depend on."""
    digest = hashlib.sha256(fingerprint(frames, recipe).encode())
    for node in convolutions.get_ordered_ops():
        digest.update(repr((node.get_type_name(), node.get_attributes())).encode())
        if node.get_type_name() == "Constant":
            digest.update(node.get_data().tobytes())
    return digest.hexdigest()


def _quantise(model: "openvino.Model", frames: Frames, recipe: Recipe) -> "openvino.Model":
    if recipe.share < 1:
        model = separable_kernels.separate(model, frames, recipe.share)
    nncf = _import_nncf()
    presets = nncf.QuantizationPreset
    scope = nncf.IgnoredScope(names=_in_float(model, recipe), validate=False)
    # NNCF draws its progress on stdout, where our users' JSON goes.
    with redirect_stdout(io.StringIO()), no_warnings():
        return cast(
            "openvino.Model",
            nncf.quantize(
                model,
                nncf.Dataset([frame[None] for frame in frames]),
                preset=presets.MIXED if recipe.asymmetric else presets.PERFORMANCE,
                subset_size=len(frames),
                ignored_scope=scope,
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.OverflowFix.ENABLE,
                    # Not by the least and greatest values, which a few strong responses stretch.
                    activations_range_estimator_params=nncf.quantization.range_estimator.RangeEstimatorParametersSet.HISTOGRAM,
                ),
            ),
        )


def _import_nncf() -> ModuleType:
    """NNCF without the lines that it writes to stdout."""
    with redirect_stdout(io.StringIO()), no_warnings():
        import nncf
    nncf.set_log_level(logging.ERROR)
    return cast("ModuleType", nncf)


def _in_float(model: "openvino.Model", recipe: Recipe) -> list[str]:
    """Names of the operations to leave alone: all that no larger convolution follows, and the first one if wanted."""
    operations = model.get_ordered_ops()
    convolutions = [node for node in operations if looks_around(node)]
    if not convolutions:
        return []
    before = _reached(convolutions, lambda node: [value.get_source_output().get_node() for value in node.inputs()])
    kinds = {node.get_friendly_name(): node.get_type_name() for node in operations}
    head = [name for name, kind in kinds.items() if name not in before and kind not in ("Constant", "Result")]
    return sorted([*head, *([convolutions[0].get_friendly_name()] if recipe.first_in_float else [])])


def _reached(start: "list[openvino.Node]", neighbours: "Callable[[openvino.Node], list[openvino.Node]]") -> set[str]:
    """Names of `start` and of all that can be reached from it."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in reached:
            reached.add(node.get_friendly_name())
            waiting.extend(neighbours(node))
    return reached
