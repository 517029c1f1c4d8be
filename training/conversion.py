"""A Keras model as an OpenVINO one: the same arithmetic, equal files for equal models."""

import re
import tempfile
from typing import TYPE_CHECKING

from training.environment import no_warnings

if TYPE_CHECKING:
    import keras
    import openvino


def to_openvino(model: "keras.Model") -> "openvino.Model":
    """Convert `model`, whose input and outputs keep their order."""
    import openvino

    # By way of a SavedModel: convert_model cannot take a Keras model on Python 3.13 (it deletes a name with exec).
    with no_warnings(), tempfile.TemporaryDirectory() as saved:
        model.export(saved, verbose=False)
        converted = openvino.Core().read_model(saved)
    number_anew(converted)
    return converted


def number_anew(converted: "openvino.Model") -> None:
    """Replace the numbers that OpenVINO counts up within a process, so that equal models become equal files."""
    for number, node in enumerate(converted.get_ordered_ops()):
        if re.fullmatch(r"[A-Z][A-Za-z]*_\d+", node.get_friendly_name()):
            node.set_friendly_name(f"{node.get_type_name()}_{number}")
