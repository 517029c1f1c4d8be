"""Many functions minimised at once, each by scipy's L-BFGS, where asking all of them together is cheaper.

Fits on subsets of the same examples read the same rows: in lockstep they read them once for all.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]

Evaluate = Callable[[Numbers, Values], tuple[Values, Values]]
"""Values (k) and gradients (k × d) of the functions with these numbers (k), each at its own point (k × d)."""

_Asked = SimpleQueue[tuple[int, Values | None]]
"""A function's number and the point at which it is asked; none from one that has found its least value."""

_Answers = SimpleQueue[tuple[float, Values] | None]
"""Values and gradients for one function; none where there are no more."""


def minimise(evaluate: Evaluate, starts: Values, iterations: int) -> Values:
    """Where each function (k × d) is least, or L-BFGS stops after so many iterations.

    Each has its own steps, as if it were alone: in a thread that waits until all others have asked too. What `evaluate`
    raises is raised.
    """
    asked: _Asked = SimpleQueue()
    answers: list[_Answers] = [SimpleQueue() for _ in starts]
    with ThreadPoolExecutor(len(starts)) as pool:
        found = [
            pool.submit(_least, number, start, iterations, asked, answers[number])
            for number, start in enumerate(starts)
        ]
        try:
            for points in _rounds(asked, len(starts)):
                # In order: equal functions are added up equally, whichever thread came first.
                numbers = sorted(points)
                values, gradients = evaluate(np.array(numbers), np.stack([points[number] for number in numbers]))
                for number, value, gradient in zip(numbers, values.tolist(), gradients, strict=True):
                    answers[number].put((value, gradient))
        finally:
            _release(answers)
        return np.stack([each.result() for each in found])


def _least(number: int, start: Values, iterations: int, asked: _Asked, answers: _Answers) -> Values:
    from scipy.optimize import minimize

    def ask(point: Values) -> tuple[float, Values]:
        asked.put((number, point))
        answer = answers.get()
        if answer is None:
            raise RuntimeError("nobody answers any more")
        return answer

    try:
        return np.asarray(minimize(ask, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x)
    finally:
        asked.put((number, None))


def _rounds(asked: _Asked, running: int) -> Iterator[dict[int, Values]]:
    """Points by number, each time that all functions that still run have asked."""
    points: dict[int, Values] = {}
    while running:
        number, point = asked.get()
        if point is None:
            running -= 1
        else:
            points[number] = point
        if points and len(points) == running:
            yield points
            points = {}


def _release(answers: Sequence[_Answers]) -> None:
    """Let no thread wait for an answer that never comes."""
    for each in answers:
        each.put(None)
