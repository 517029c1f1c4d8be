"""Convolutions at a share of their arithmetic: a kernel of 3 × 3 becomes one of 3 × 1, then one of 1 × 3.

Between the two lie fewer channels, the directions along which most of the responses move. No label and no gradient has
a part in it. Jaderberg, Vedaldi and Zisserman, "Speeding up Convolutional Neural Networks with Low Rank Expansions"
(BMVC 2014), scheme 2; fitted to responses instead of weights, each convolution on what the ones before it have become,
and with ranks chosen by variance, as Zhang, Zou, He and Sun have it in "Accelerating Very Deep Convolutional Networks
for Classification and Detection" (PAMI 2016, sections 3.3 and 3.4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.inference_engine import inference_engine
from training.backbone import Halves
from training.conversion import number_anew
from training.convolutions import only_user
from training.dataset import Frames

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]

Maps = NDArray[np.float32]
"""1 × channels × height × width: what a convolution sees of one frame, or what it answers with its bias."""

Step = Callable[[NDArray[np.generic]], Maps]
"""Part of the model, for one frame."""

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

WORTH_IT = 0.9
"""A convolution that would keep more of its arithmetic than this stays as it is."""

REVISION = 1
"""Counted up whenever other kernels are found for the same model and frames."""

_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


@dataclass(frozen=True, slots=True)
class _Link:
    """A convolution of the chain, with its bias and what is rectified; `kernel` is channels × in × height × width."""

    convolution: "openvino.Node"
    biased: "openvino.Node"
    rectified: "openvino.Node"
    kernel: Array
    bias: Array

    @property
    def whole(self) -> int:
        """Multiplications a frame."""
        return self._places * int(self.kernel.size)

    def halves(self, rank: int) -> int:
        """Multiplications a frame after it was split."""
        channels, seen, height, width = self.kernel.shape
        return self._places * rank * int(seen * height + channels * width)

    def arithmetic(self, rank: int) -> int:
        """Multiplications a frame of what is the least."""
        return min(self.whole, self.halves(rank))

    @property
    def _places(self) -> int:
        height, width = self.biased.output(0).get_partial_shape().get_max_shape()[-2:]
        return int(height * width)

    @property
    def by_column(self) -> Array:
        """The kernel as (width · channels) × (in · height): what each of its columns makes of a column of the maps."""
        channels, seen, height, width = self.kernel.shape
        return self.kernel.transpose(3, 0, 1, 2).reshape(width * channels, seen * height)


def worth_separating(model: "openvino.Model") -> bool:
    """Whether any of its rectified convolutions could get cheaper; those that were separated before could not."""
    return any(link.halves(_step(link)) < WORTH_IT * link.whole for link in _links(model))


def separate(model: "openvino.Model", frames: Frames, share: float) -> "openvino.Model":
    """A copy of `model` whose rectified convolutions take about `share` of their arithmetic (0 … 1).

    `frames` (n × height × width × 3) are the pictures on which responses are compared. Only a chain is changed, in
    which each convolution sees the one before and nothing else, as VGG's do; of another model the copy is as it was.
    The same model and frames give the same copy.
    """
    copy = model.clone()
    for link, halves in zip(_links(copy), find_halves(model, frames, share), strict=True):
        if halves is not None:
            _replace(link, halves)
    copy.validate_nodes_and_infer_types()
    number_anew(copy)
    return copy


def find_halves(model: "openvino.Model", frames: Frames, share: float) -> list[Halves | None]:
    """What `separate` puts in the place of each rectified convolution, in order; None where it stays as it is."""
    taken_apart = model.clone()
    links = _links(taken_apart)
    between = _between(taken_apart, links)
    if not between:
        return [None] * len(links)
    columns, responses = _sampled(links, between, frames)
    ranks = _ranks(links, [_variances(link, each) for link, each in zip(links, columns, strict=True)], share)
    carried: Sequence[NDArray[np.generic]] = [frame[None] for frame in frames]
    found: list[Halves | None] = []
    for link, step, exact, rank in zip(links, between, responses, ranks, strict=True):
        seen = _each(step, carried)
        if rank is None:
            found.append(None)
            carried = _each(_convolution(link.kernel, link.bias), seen)
        else:
            down = _down(link, seen, rank)
            narrow = _each(_convolution(down), seen)
            across, bias = _across(link, narrow, exact)
            found.append(Halves(down, across, bias))
            carried = _each(_convolution(across, bias), narrow)
    return found


def _each(step: Step, maps: Sequence[NDArray[np.generic]]) -> list[Maps]:
    return [step(each) for each in maps]


def _links(model: "openvino.Model") -> list[_Link]:
    """The convolutions that look around and are rectified, in order."""
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return [link for node in convolutions if (link := _link(node)) is not None]


def _link(convolution: "openvino.Node") -> _Link | None:
    biased = only_user(convolution, "Add")
    rectified = biased and only_user(biased, "Relu")
    if biased is None or rectified is None:
        return None
    kernel = _constant(convolution.input_value(1).get_node())
    biases = [found for value in biased.input_values() if (found := _constant(value.get_node())) is not None]
    if kernel is None or not _keeps_size(convolution, kernel) or not biases or biases[0].size != len(kernel):
        return None
    return _Link(convolution, biased, rectified, kernel, biases[0].reshape(-1))


def _keeps_size(convolution: "openvino.Node", kernel: Array) -> bool:
    """Whether it answers for every place of its maps, in the middle of what it sees of them, up and down and aside."""
    attributes = convolution.get_attributes()
    height, width = kernel.shape[-2:]
    plain = all(attributes[name] == [1, 1] for name in ("strides", "dilations"))
    odd = height % 2 == width % 2 == 1 and min(height, width) > 1
    middle = [height // 2, width // 2]
    return plain and odd and attributes["pads_begin"] == attributes["pads_end"] == middle


def _constant(node: "openvino.Node") -> Array | None:
    return np.array(node.get_data(), dtype=np.float32) if node.get_type_name() == "Constant" else None


def _between(model: "openvino.Model", links: Sequence[_Link]) -> list[Step]:
    """From the frame, or a convolution's responses, to the maps that the next one sees; none for what is no chain."""
    import openvino
    from openvino import opset13

    parameters = list(model.get_parameters())
    steps = []
    for link in links:
        try:
            step = openvino.Model([link.convolution.input_value(0)], parameters[-1:], "between")
        except RuntimeError:  # it needs more than the responses before
            return []
        steps.append(_compiled(step))
        parameters.append(opset13.parameter(link.biased.output(0).get_partial_shape(), np.float32))
        link.rectified.input(0).replace_source_output(parameters[-1].output(0))
    return steps


def _convolution(kernel: Array, bias: Array | None = None) -> Step:
    import openvino
    from openvino import opset13

    maps = opset13.parameter([1, kernel.shape[1], -1, -1], np.float32)
    answers = _convolved(maps.output(0), kernel, bias)
    return _compiled(openvino.Model([answers], [maps], "convolution"))


def _compiled(model: "openvino.Model") -> Step:
    compiled = inference_engine().compile_model(model, "CPU", _OPTIONS)
    return lambda values: np.asarray(compiled(values)[0])


def _convolved(maps: "openvino.Output", kernel: Array, bias: Array | None = None) -> "openvino.Output":
    """A convolution that keeps the maps' size."""
    from openvino import opset13

    around = [size // 2 for size in kernel.shape[-2:]]
    answers = opset13.convolution(maps, opset13.constant(kernel), [1, 1], around, around, [1, 1])
    return (answers if bias is None else opset13.add(answers, opset13.constant(bias[None, :, None, None]))).output(0)


class _Moments:
    """Mean and covariance of rows that are seen one part after the other."""

    def __init__(self, width: int) -> None:
        self._count, self._sum, self._products = 0, np.zeros(width), np.zeros((width, width))

    def add(self, rows: Array) -> None:
        self._count += len(rows)
        self._sum += rows.sum(axis=0, dtype=np.float64)
        self._products += rows.T @ rows

    @property
    def covariance(self) -> NDArray[np.float64]:
        mean = self._sum / self._count
        return self._products / self._count - np.outer(mean, mean)


def _sampled(links: Sequence[_Link], between: Sequence[Step], frames: Frames) -> tuple[list[_Moments], list[Array]]:
    """Of every convolution: the columns of maps that it sees, and its responses, rows × channels, at some places."""
    whole = [_convolution(link.kernel, link.bias) for link in links]
    columns = [_Moments(link.by_column.shape[1]) for link in links]
    responses: list[list[Array]] = [[] for _ in links]
    for frame in frames:
        values: NDArray[np.generic] = frame[None]
        seen_by_column = []
        for number, link in enumerate(links):
            seen = between[number](values)
            seen_by_column.append(_columns(seen, link))
            values = whole[number](seen)
            responses[number].append(_rows(values, (1, 1)))
        # Not in between: threads of the matrix product go on spinning, and would slow the next convolution down.
        for moments, rows in zip(columns, seen_by_column, strict=True):
            moments.add(rows)
    return columns, [np.concatenate(rows) for rows in responses]


def _columns(seen: Maps, link: _Link) -> Array:
    """What a kernel's column sees of the maps at some places: rows × (in · height)."""
    return _rows(seen, (link.kernel.shape[2], 1))


def _rows(maps: Maps, around: tuple[int, int]) -> Array:
    """Neighbourhoods of `around` (height, width) at the same places of every frame: rows × (channels · neighbours)."""
    channels, height, width = maps.shape[1:]
    places = np.arange(0, height * width, -(-height * width // SAMPLED))
    rows, columns = np.divmod(places, width)
    padded = np.pad(maps[0], ((0, 0), *((size // 2, size // 2) for size in around)))
    neighbours = [padded[:, rows + down, columns + right] for down in range(around[0]) for right in range(around[1])]
    return np.stack(neighbours, axis=1).reshape(channels * len(neighbours), -1).T


def _variances(link: _Link, columns: _Moments) -> NDArray[np.float64]:
    """Of what the kernel's columns make of what they see, along each direction; the largest first."""
    return np.asarray(np.maximum(np.linalg.eigvalsh(_answers(link, columns))[::-1], 0))


def _strongest(link: _Link, columns: _Moments, rank: int) -> NDArray[np.float64]:
    """So many directions in which that varies most."""
    return np.asarray(np.linalg.eigh(_answers(link, columns))[1][:, ::-1][:, :rank])


def _answers(link: _Link, columns: _Moments) -> NDArray[np.float64]:
    """The covariance of what the kernel's columns make of what they see."""
    by_column = link.by_column.astype(np.float64)
    return np.asarray(by_column @ columns.covariance @ by_column.T)


def _ranks(links: Sequence[_Link], variances: Sequence[NDArray[np.float64]], share: float) -> list[int | None]:
    """How many channels lie between the halves of each convolution; None for one that stays as it is.

    Step by step, where the least share of variance is lost for the arithmetic saved.
    """
    steps = [_step(link) for link in links]
    ranks = [max(step, link.whole // link.halves(1) // step * step) for link, step in zip(links, steps, strict=True)]
    kept = [(np.cumsum(each) + FAINTEST) / (each.sum() + FAINTEST) for each in variances]

    def price(number: int) -> float:
        rank, fewer = ranks[number], ranks[number] - steps[number]
        lost = float(np.log(kept[number][rank - 1] / kept[number][fewer - 1]))
        return lost / (links[number].halves(rank) - links[number].halves(fewer))

    def arithmetic() -> int:
        return sum(link.arithmetic(rank) for link, rank in zip(links, ranks, strict=True))

    while arithmetic() > share * sum(link.whole for link in links):
        candidates = [number for number in range(len(links)) if ranks[number] >= 2 * steps[number]]
        if not candidates:
            break
        cheapest = min(candidates, key=price)
        ranks[cheapest] -= steps[cheapest]
    return [
        rank if link.arithmetic(rank) < WORTH_IT * link.whole else None for link, rank in zip(links, ranks, strict=True)
    ]


def _step(link: _Link) -> int:
    """By so many channels a rank is higher than the next."""
    return max(SMALLEST_STEP, len(link.kernel) // STEPS)


def _down(link: _Link, seen: Sequence[Maps], rank: int) -> Array:
    """The kernel of height × 1 and `rank` channels for the maps `seen` of each frame."""
    columns = _Moments(link.by_column.shape[1])
    for maps in seen:
        columns.add(_columns(maps, link))
    directions = _strongest(link, columns, rank)
    # Turned, so that all directions are about equally strong: eight bits must hold them all in one range.
    turned = directions @ np.linalg.qr(np.random.default_rng(0).normal(size=(rank, rank)))[0]
    _channels, depth, height, _width = link.kernel.shape
    return np.asarray(turned.T @ link.by_column, dtype=np.float32).reshape(rank, depth, height, 1)


def _across(link: _Link, narrow: Sequence[Maps], exact: Array) -> tuple[Array, Array]:
    """The kernel of 1 × width and the bias by which `narrow` maps of each frame tell the `exact` responses."""
    width = link.kernel.shape[-1]
    weights, bias = _regression(np.concatenate([_rows(maps, (1, width)) for maps in narrow]), exact)
    return weights.reshape(len(bias), -1, 1, width), bias


def _regression(told: Array, exact: Array) -> tuple[Array, Array]:
    """Weights (channels × d) and offsets by which `told` (rows × d) tells `exact` (rows × channels) best."""
    told_mean, exact_mean = told.mean(axis=0, dtype=np.float64), exact.mean(axis=0, dtype=np.float64)
    told = told - told_mean.astype(np.float32)
    variance = (told.T @ told).astype(np.float64) / len(told)
    variance += (RIDGE * np.trace(variance) / len(variance) + FAINTEST) * np.eye(len(variance))
    across = told.T @ (exact - exact_mean.astype(np.float32)) / len(told)
    weights = np.linalg.solve(variance, across).T
    return weights.astype(np.float32), (exact_mean - weights @ told_mean).astype(np.float32)


def _replace(link: _Link, halves: Halves) -> None:
    """Put the two halves where the convolution was."""
    narrow = _convolved(link.convolution.input_value(0), halves.down)
    link.rectified.input(0).replace_source_output(_convolved(narrow, halves.across, halves.bias))
