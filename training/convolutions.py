"""A model's convolutions, taken out of it and put back: what every head on the same backbone has in common."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino


def split(model: "openvino.Model") -> "tuple[openvino.Model, openvino.Model] | None":
    """A copy of `model` in two: up to the last convolution that looks around and is rectified, and what follows.

    None where it has no such convolution, or where what follows sees more than that one's responses.
    """
    import openvino
    from openvino import opset13

    copy = model.clone()
    last = _last_rectified(copy)
    if last is None:
        return None
    users = list(last.output(0).get_target_inputs())
    convolutions = openvino.Model([last.output(0)], copy.get_parameters(), "convolutions")
    responses = opset13.parameter(last.output(0).get_partial_shape(), np.float32)
    for user in users:
        user.replace_source_output(responses.output(0))
    try:
        return convolutions, openvino.Model(copy.get_results(), [responses], model.get_friendly_name())
    except RuntimeError:  # it needs the frames themselves, or a convolution's responses from before
        return None


def join(convolutions: "openvino.Model", following: "openvino.Model") -> "openvino.Model":
    """The two in one again; takes both apart."""
    import openvino

    (responses,) = following.get_parameters()
    for user in responses.output(0).get_target_inputs():
        user.replace_source_output(convolutions.get_results()[0].input_value(0))
    return openvino.Model(following.get_results(), convolutions.get_parameters(), following.get_friendly_name())


def looks_around(node: "openvino.Node") -> bool:
    """Whether it is a convolution of more than one place: one of 1 × 1 may be part of the head."""
    if node.get_type_name() not in ("Convolution", "GroupConvolution"):
        return False
    return any(size > 1 for size in node.input(1).get_partial_shape().get_max_shape()[-2:])


def only_user(node: "openvino.Node", kind: str) -> "openvino.Node | None":
    """The operation of this kind that alone sees what `node` answers."""
    users = [each.get_node() for each in node.output(0).get_target_inputs()]
    return users[0] if len(users) == 1 and users[0].get_type_name() == kind else None


def _last_rectified(model: "openvino.Model") -> "openvino.Node | None":
    convolutions = [node for node in model.get_ordered_ops() if looks_around(node)]
    biased = only_user(convolutions[-1], "Add") if convolutions else None
    return biased and only_user(biased, "Relu")
