"""A Keras model as an OpenVINO one: the same arithmetic, equal files for equal models."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from screen_time.inference_engine import inference_engine
from training.environment import no_warnings

if TYPE_CHECKING:
    import keras
    import openvino


def to_openvino(model: "keras.Model") -> "openvino.Model":
    """Convert `model`, whose input and outputs keep their order."""
    # By way of a SavedModel: convert_model cannot take a Keras model on Python 3.13 (it deletes a name with exec).
    with no_warnings(), tempfile.TemporaryDirectory() as saved:
        model.export(saved, verbose=False)
        converted = inference_engine().read_model(saved)
    _select_along_rows(converted)
    number_anew(converted)
    return converted


def store_model(path: Path, model: "openvino.Model") -> None:
    """Write `model` to the IR `path` (.xml, and .bin beside it), renamed into place: nobody ever reads half of it."""
    import openvino

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        openvino.save_model(model, written, compress_to_fp16=False)
        for suffix in (".bin", ".xml"):  # the one that is looked for last
            written.with_suffix(suffix).replace(path.with_suffix(suffix))


def _select_along_rows(converted: "openvino.Model") -> None:
    """Let the largest of each column be found where they lie, before the transposition that Keras's `top_k` needs.

    The values are the same; OpenVINO looks at many columns at once, but not at many rows, which takes it ten times as
    long: a tenth of a whole model.
    """
    from openvino import opset13

    for found in (node for node in converted.get_ordered_ops() if node.get_type_name() == "TopK"):
        turned = found.input_value(0).get_node()
        largest = found.get_attributes()["mode"] == "max" and found.get_attributes()["axis"] in (2, -1)
        if not largest or not _is_transposition(turned) or found.output(1).get_target_inputs():
            continue
        users = found.output(0).get_target_inputs()
        selected = opset13.topk(turned.input_value(0), found.input_value(1), axis=1, mode="max", sort="value")
        back = opset13.transpose(selected.output(0), turned.input_value(1))
        for user in users:
            user.replace_source_output(back.output(0))


def _is_transposition(node: "openvino.Node") -> bool:
    """Of a batch of matrices."""
    if node.get_type_name() != "Transpose":
        return False
    order = node.input_value(1).get_node()
    return order.get_type_name() == "Constant" and list(order.get_data()) == [0, 2, 1]


def number_anew(converted: "openvino.Model") -> None:
    """Replace the numbers that OpenVINO counts up within a process, so that equal models become equal files."""
    for number, node in enumerate(converted.get_ordered_ops()):
        if re.fullmatch(r"[A-Z][A-Za-z]*_\d+", node.get_friendly_name()):
            node.set_friendly_name(f"{node.get_type_name()}_{number}")
