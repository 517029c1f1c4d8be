"""Many functions minimised at once, each by scipy's L-BFGS, where asking all of them together is cheaper.

Fits on subsets of the same examples read the same rows: in lockstep they read them once for all.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]

Evaluate = Callable[[Numbers, Values], tuple[Values, Values]]
"""Values (k) and gradients (k × d) of the functions with these numbers (k), each at its own point (k × d)."""


def minimise(evaluate: Evaluate, starts: Values, iterations: int) -> Values:
    """Where each function (k × d) is least, or L-BFGS stops after so many iterations.

    Each has its own steps, as if it were alone. What `evaluate` raises is raised.
    """
    from scipy.optimize import minimize

    together = _Together(evaluate, len(starts))

    def least(number: int) -> Values:
        try:
            options = {"maxiter": iterations}
            found = minimize(
                lambda point: together.ask(number, point), starts[number], jac=True, method="L-BFGS-B", options=options
            )
        finally:
            together.leave()
        return np.asarray(found.x)

    with ThreadPoolExecutor(len(starts)) as pool:
        return np.stack(list(pool.map(least, range(len(starts)))))


class _Together:
    """Gathers what threads ask until all of them wait, and has it answered at once by the last one."""

    def __init__(self, evaluate: Evaluate, threads: int) -> None:
        self._evaluate, self._running = evaluate, threads
        self._asked: dict[int, Values] = {}
        self._answers: dict[int, tuple[float, Values]] = {}
        self._error: BaseException | None = None
        self._answered = threading.Condition()

    def ask(self, number: int, point: Values) -> tuple[float, Values]:
        """Value and gradient of a function at `point`; waits for the others."""
        with self._answered:
            self._asked[number] = point
            self._answer_if_all_wait()
            self._answered.wait_for(lambda: number in self._answers or self._error is not None)
            if self._error is not None:
                raise self._error
            return self._answers.pop(number)

    def leave(self) -> None:
        """A thread has found its least value: the others wait no longer for it."""
        with self._answered:
            self._running -= 1
            self._answer_if_all_wait()

    def _answer_if_all_wait(self) -> None:
        if not self._asked or len(self._asked) < self._running:
            return
        # In order: equal functions are added up equally, whichever thread came first.
        numbers = sorted(self._asked)
        try:
            values, gradients = self._evaluate(np.array(numbers), np.stack([self._asked[each] for each in numbers]))
            self._answers.update(zip(numbers, zip(values.tolist(), gradients, strict=True), strict=True))
        except BaseException as error:  # noqa: BLE001  (every thread that waits raises it)
            self._error = error
        self._asked.clear()
        self._answered.notify_all()
