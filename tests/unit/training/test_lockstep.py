"""Functions minimised at once, each of which takes the steps that it would take alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import rosen, rosen_der

from training.lockstep import minimise

Array = NDArray[np.float64]


def test_each_function_takes_its_own_steps() -> None:
    """From other starts, which need more or fewer of them."""
    starts = np.array([[1.0, 1.0, 1.0], [-1.2, 1.0, 1.0], [0.0, 3.0, -2.0]])
    asked: list[list[int]] = []

    def evaluate(numbers: NDArray[np.int64], points: Array) -> tuple[Array, Array]:
        asked.append(numbers.tolist())
        return np.array([rosen(point) for point in points]), np.array([rosen_der(point) for point in points])

    together = minimise(evaluate, starts, 50)
    assert asked[0] == [0, 1, 2]
    assert asked[-1] != [0, 1, 2]
    alone = [minimise(evaluate, start[None], 50)[0] for start in starts]
    assert np.array_equal(together, alone)
    assert np.allclose(together, 1, atol=1e-2)


@pytest.mark.parametrize("rounds", [0, 2])
def test_an_error_ends_all_of_them(rounds: int) -> None:
    """None of the others waits for an answer that never comes."""
    asked: list[int] = []

    def evaluate(_numbers: NDArray[np.int64], points: Array) -> tuple[Array, Array]:
        if len(asked) == rounds:
            raise MemoryError("no room for this")
        asked.append(len(points))
        return np.array([rosen(point) for point in points]), np.array([rosen_der(point) for point in points])

    with pytest.raises(MemoryError, match="no room"):
        minimise(evaluate, np.zeros((4, 2)), 10)
    assert asked == [4] * rounds
