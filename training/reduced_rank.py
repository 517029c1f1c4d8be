"""Convolutions at a share of their arithmetic: what they answer moves along fewer directions than they have channels.

A kernel is split in two: a smaller one of the same extent that answers along the strongest directions, and one of 1 × 1
that makes all channels of these. No label and no gradient has a part in it. Zhang, Zou, He and Sun, "Accelerating Very
Deep Convolutional Networks for Classification and Detection" (PAMI 2016): responses approximated one convolution after
the other, each on what the ones before it have become (section 3.3), and ranks chosen by variance (section 3.4).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.inference_engine import inference_engine
from training.conversion import number_anew
from training.dataset import Frames
from training.environment import cache_directory, store_arrays

if TYPE_CHECKING:
    import openvino

Responses = NDArray[np.float32]
"""What a convolution answers with its bias, before it is rectified: 1 × channels × height × width, or rows of them."""

SAMPLED = 1400
"""Places of each frame whose responses are compared, at most."""

RIDGE = 1e-4
"""Of the mean variance: channels that never answer have no direction."""

FAINTEST = 1e-9
"""Variance that counts as some: pictures of one colour have none."""

STEPS = 16
"""So many ranks are tried for each convolution."""

SMALLEST_STEP = 8
"""Channels that a processor computes together."""

WORTH_IT = 0.95
"""A convolution that would keep more of its arithmetic than this stays as it is."""

_PARTS = ("out", "into", "shift")

_RECIPE = 1
"""Counted up whenever other directions are found for the same model and frames."""

_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


@dataclass(frozen=True, slots=True)
class _Link:
    """A convolution of the chain, with its bias and what is rectified; `kernel` is channels × in × height × width."""

    convolution: "openvino.Node"
    biased: "openvino.Node"
    rectified: "openvino.Node"
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def channels(self) -> int:
        return len(self.kernel)

    @property
    def whole(self) -> int:
        """Multiplications a frame."""
        return self._places * int(self.kernel.size)

    def halves(self, rank: int) -> int:
        """Multiplications a frame after it was split."""
        return self._places * rank * (int(self.kernel[0].size) + self.channels)

    def arithmetic(self, rank: int) -> int:
        """Multiplications a frame of what is the least."""
        return min(self.whole, self.halves(rank))

    @property
    def _places(self) -> int:
        height, width = self.biased.output(0).get_partial_shape().get_max_shape()[-2:]
        return int(height * width)


@dataclass(frozen=True, slots=True)
class _Directions:
    """Responses are about `out` @ (`into` @ responses) + `shift`: channels × rank, rank × channels, channels."""

    out: NDArray[np.float32]
    into: NDArray[np.float32]
    shift: NDArray[np.float32]

    def apply(self, responses: Responses) -> Responses:
        """What becomes of the responses to one frame."""
        flat = responses.reshape(responses.shape[1], -1)
        return (self.out @ (self.into @ flat) + self.shift[:, None]).reshape(responses.shape)


def reduce_rank(model: "openvino.Model", frames: Frames, share: float) -> "openvino.Model":
    """A copy of `model` whose rectified convolutions take about `share` of their arithmetic (0 … 1).

    `frames` (n × height × width × 3) are the pictures on which responses are compared. Only a chain is reduced, in
    which each convolution sees the one before and nothing else, as VGG's do; of another model the copy is as it was.
    The same model and frames give the same copy; what was found for them comes from the cache.
    """
    copy = model.clone()
    links = _links(copy)
    path = cache_directory("ranks") / f"{_digest(links, frames, share)}.npz"
    if not path.exists():
        _store(path, _find(model.clone(), frames, share))
    with np.load(path) as found:
        for number, link in enumerate(links):
            if f"{number}/out" in found:
                _replace(link, _Directions(*(found[f"{number}/{part}"] for part in _PARTS)))
    copy.validate_nodes_and_infer_types()
    number_anew(copy)
    return copy


def _digest(links: Sequence[_Link], frames: Frames, share: float) -> str:
    """Of everything that the directions depend on."""
    parts = [np.ascontiguousarray(each).tobytes() for link in links for each in (link.kernel, link.bias)]
    return hashlib.sha256(
        b"".join([repr((_RECIPE, share, frames.shape)).encode(), frames.tobytes(), *parts])
    ).hexdigest()


def _store(path: Path, directions: Sequence["_Directions | None"]) -> None:
    found = [(number, each) for number, each in enumerate(directions) if each is not None]
    store_arrays(path, {f"{number}/{part}": getattr(each, part) for number, each in found for part in _PARTS})


def _find(model: "openvino.Model", frames: Frames, share: float) -> list["_Directions | None"]:
    """The directions of each link; none where the model is no chain. Takes `model` apart."""
    links = _links(model)
    segments = _segments(model, links)
    if not segments:
        return [None] * len(links)
    exact = _sampled(segments, frames)
    ranks = _ranks(links, [np.linalg.eigvalsh(np.cov(rows, rowvar=False))[::-1] for rows in exact], share)
    carried: Sequence[NDArray[np.generic]] = [frame[None] for frame in frames]
    found = []
    for segment, rows, rank in zip(segments, exact, ranks, strict=True):
        near = [segment(each) for each in carried]
        rows_near = np.concatenate([_rows(each) for each in near])
        found.append(None if rank is None else _directions(rows, rows_near, rank))
        carried = near if found[-1] is None else [found[-1].apply(each) for each in near]
    return found


def _links(model: "openvino.Model") -> list[_Link]:
    """The convolutions that look around and are rectified, in order."""
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return [link for node in convolutions if (link := _link(node)) is not None]


def _link(convolution: "openvino.Node") -> _Link | None:
    biased = _only_user(convolution, "Add")
    rectified = biased and _only_user(biased, "Relu")
    if biased is None or rectified is None:
        return None
    kernel = _constant(convolution.input_value(1).get_node())
    biases = [found for value in biased.input_values() if (found := _constant(value.get_node())) is not None]
    plain = all(convolution.get_attributes()[name] == [1, 1] for name in ("strides", "dilations"))
    if kernel is None or not biases or not plain or kernel.shape[-1] == 1 or biases[0].size != len(kernel):
        return None
    return _Link(convolution, biased, rectified, kernel, biases[0].reshape(-1))


def _only_user(node: "openvino.Node", kind: str) -> "openvino.Node | None":
    users = [each.get_node() for each in node.output(0).get_target_inputs()]
    return users[0] if len(users) == 1 and users[0].get_type_name() == kind else None


def _constant(node: "openvino.Node") -> NDArray[np.float32] | None:
    return np.array(node.get_data(), dtype=np.float32) if node.get_type_name() == "Constant" else None


def _segments(model: "openvino.Model", links: Sequence[_Link]) -> list[Callable[[NDArray[np.generic]], Responses]]:
    """From the frame or one convolution's responses to the next one's; none for a model that is no chain."""
    import openvino
    from openvino import opset13

    parameters = list(model.get_parameters())
    segments = []
    for link in links:
        try:
            segment = openvino.Model([link.biased.output(0)], parameters[-1:], "segment")
        except RuntimeError:  # it needs more than the responses before
            return []
        segments.append(_runner(segment))
        parameters.append(opset13.parameter(link.biased.output(0).get_partial_shape(), np.float32))
        link.rectified.input(0).replace_source_output(parameters[-1].output(0))
    return segments


def _runner(segment: "openvino.Model") -> Callable[[NDArray[np.generic]], Responses]:
    compiled = inference_engine().compile_model(segment, "CPU", _OPTIONS)
    return lambda values: np.array(compiled(values)[0])


def _sampled(segments: Sequence[Callable[[NDArray[np.generic]], Responses]], frames: Frames) -> list[Responses]:
    """Every convolution's responses at some places of every frame: rows × channels."""
    found: list[list[Responses]] = [[] for _ in segments]
    for frame in frames:
        values: NDArray[np.generic] = frame[None]
        for segment, rows in zip(segments, found, strict=True):
            values = segment(values)
            rows.append(_rows(values))
    return [np.concatenate(rows) for rows in found]


def _rows(responses: Responses) -> Responses:
    """The same places of every frame: rows × channels."""
    flat = responses.reshape(responses.shape[1], -1)
    return np.ascontiguousarray(flat[:, :: -(-flat.shape[1] // SAMPLED)].T)


def _ranks(links: Sequence[_Link], variances: Sequence[NDArray[np.floating]], share: float) -> list[int | None]:
    """How many directions each convolution keeps; None for one that stays as it is.

    Step by step, where the least share of variance is lost for the arithmetic saved.
    """
    ranks = [link.channels for link in links]
    steps = [max(SMALLEST_STEP, link.channels // STEPS) for link in links]
    kept = [(np.cumsum(each) + FAINTEST) / (each.sum() + FAINTEST) for each in variances]
    # Few channels in, as a picture has: its second half alone would take more than the whole.
    splittable = [number for number, link in enumerate(links) if link.kernel[0].size > link.channels]

    def price(number: int) -> float:
        rank, fewer = ranks[number], ranks[number] - steps[number]
        lost = float(np.log(kept[number][rank - 1] / kept[number][fewer - 1]))
        return lost / (links[number].halves(rank) - links[number].halves(fewer))

    def arithmetic() -> int:
        return sum(link.arithmetic(rank) for link, rank in zip(links, ranks, strict=True))

    while arithmetic() > share * sum(link.whole for link in links):
        candidates = [number for number in splittable if ranks[number] >= 2 * steps[number]]
        if not candidates:
            break
        cheapest = min(candidates, key=price)
        ranks[cheapest] -= steps[cheapest]
    return [
        rank if link.arithmetic(rank) < WORTH_IT * link.whole else None for link, rank in zip(links, ranks, strict=True)
    ]


def _directions(exact: Responses, near: Responses, rank: int) -> _Directions:
    """The best of `rank` by which `near` (rows × channels) tells `exact`: reduced-rank regression.

    Izenman, "Reduced-rank Regression for the Multivariate Linear Model" (Journal of Multivariate Analysis 1975).
    """
    exact_mean, near_mean = exact.mean(axis=0, dtype=np.float64), near.mean(axis=0, dtype=np.float64)
    wanted, told = exact - exact_mean, near - near_mean
    variance = told.T @ told / len(told)
    variance += (RIDGE * np.trace(variance) / len(variance) + FAINTEST) * np.eye(len(variance))
    across = told.T @ wanted / len(told)
    regression = np.linalg.solve(variance, across).T
    strongest = np.linalg.eigh(regression @ across)[1][:, : -rank - 1 : -1]
    # Turned, so that all directions are about equally strong: eight bits must hold them all in one range.
    turned = strongest @ np.linalg.qr(np.random.default_rng(0).normal(size=(rank, rank)))[0]
    into = turned.T @ regression
    shift = exact_mean - turned @ (into @ near_mean)
    return _Directions(*(each.astype(np.float32) for each in (turned, into, shift)))


def _replace(link: _Link, directions: _Directions) -> None:
    """Put the two halves where the convolution was."""
    from openvino import opset13

    attributes = link.convolution.get_attributes()
    narrow = opset13.convolution(
        link.convolution.input_value(0),
        opset13.constant(np.tensordot(directions.into, link.kernel, axes=1)),
        **{name: attributes[name] for name in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad")},
    )
    wide = opset13.convolution(
        narrow, opset13.constant(directions.out[:, :, None, None]), [1, 1], [0, 0], [0, 0], [1, 1]
    )
    shift = directions.shift + directions.out @ (directions.into @ link.bias)
    biased = opset13.add(wide, opset13.constant(shift[None, :, None, None]))
    link.rectified.input(0).replace_source_output(biased.output(0))
