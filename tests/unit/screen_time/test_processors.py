"""How many processors there are to divide threads by."""

import os

import pytest

from screen_time import processors


@pytest.mark.parametrize(
    ("memory", "shown", "expected"),
    [("1024", 2, 1), ("1769", 2, 1), ("2048", 2, 2), ("10240", 6, 6), ("10240", 2, 2), ("", 4, 4)],
)
def test_lambda_gives_a_processor_for_each_1769_mebibytes(
    monkeypatch: pytest.MonkeyPatch, memory: str, shown: int, expected: int
) -> None:
    """More threads than that only get into each other's way; outside of Lambda the affinity tells."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(shown)))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    assert processors.available() == expected
