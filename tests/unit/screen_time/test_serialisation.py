"""What one function writes another one reads, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.serialisation import SerialisationError, dumps, loads


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    """A dataclass in a dataclass."""

    rate: Fraction | None
    picture: bytes


@dataclass(frozen=True)
class Outer:
    """One field of each kind that measurements are made of."""

    number: int
    share: float
    name: str | None
    certain: bool
    colour: Colour
    times: tuple[int, ...]
    pair: tuple[str, float]
    inner: tuple[Inner, ...]
    named: Mapping[str, Inner]
    values: NDArray[np.float32]


INNER = Inner(Fraction(30000, 1001), b"\x00\xff")


def outer(values: NDArray[np.float32], share: float = 0.1) -> Outer:
    named = {"a": INNER}
    return Outer(1, share, None, True, Colour.RED, (1, 2), ("x", 2.5), (INNER, Inner(None, b"")), named, values)


def test_every_kind_of_field_comes_back_as_it_was() -> None:
    """Fractions, bytes, enums, nothing, nested dataclasses and the last bit of each float."""
    values = np.array([[0.1, np.float32(1 / 3)], [np.nextafter(np.float32(1), np.float32(0)), 0]], dtype=np.float32)
    before = outer(values)
    after = loads(Outer, dumps(before))
    assert (after.values.dtype, after.values.shape) == (values.dtype, values.shape)
    assert after.values.tobytes() == values.tobytes()
    assert after.inner == before.inner
    assert after.named == before.named
    assert dumps(after) == dumps(before)
    assert isinstance(after.colour, Colour)
    assert after.inner[0].rate == Fraction(30000, 1001)


def test_an_empty_array_keeps_its_shape() -> None:
    """A part behind the video's end has no samples, of as many labels as all others."""
    assert loads(Outer, dumps(outer(np.empty((0, 3), dtype=np.float32)))).values.shape == (0, 3)


def test_a_whole_number_may_stand_for_a_float() -> None:
    """JSON does not tell 1 from 1.0."""
    assert loads(Outer, dumps(outer(np.zeros(1, np.float32), share=1.0)).replace(b"1.0", b"1")).share == 1.0


@pytest.mark.parametrize("data", [b"", b"no JSON", b"[]", b"{}", b'{"rate": "x", "picture": ""}', b'{"rate": null}'])
def test_what_was_not_written_so_is_refused(data: bytes) -> None:
    """One kind of error, whatever is wrong."""
    with pytest.raises(SerialisationError):
        loads(Inner, data)


def test_what_cannot_be_written_is_refused() -> None:
    """Nothing is written as a text that merely describes it."""
    with pytest.raises(TypeError):
        dumps({"a": object()})
