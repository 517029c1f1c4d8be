"""Progress in a terminal, and quiet where there is none."""

import io

import pytest
from rich.console import Console

from cli import console
from cli.console import TerminalReporter


def drawn(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """What a stage of ten counted steps, half of them done, leaves on the screen."""
    screen = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=screen, force_terminal=terminal, width=120))
    with TerminalReporter() as reporter:
        reporter.stage("Counting", 10)
        for _ in range(5):
            reporter.advance()
        reporter.refresh()
        reporter.note("Half way.")
        reporter.stage("Something else")
    return screen.getvalue()


def test_a_terminal_shows_count_rate_and_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """For stages whose steps are counted."""
    text = drawn(monkeypatch, terminal=True)
    assert "Counting" in text
    assert "5/10" in text
    assert "/s" in text
    assert "left" in text


def test_a_log_file_gets_one_line_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """And sentences, and nothing else."""
    assert drawn(monkeypatch, terminal=False) == "Counting\nHalf way.\nSomething else\n"


@pytest.mark.parametrize("interval", [None, [11.25, 14.0]])
def test_a_result_shows_between_which_seconds_the_truth_lies(
    monkeypatch: pytest.MonkeyPatch, interval: list[float] | None
) -> None:
    """A column that a model without intervals does not get."""
    screen = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=screen, width=120))
    times = {"percent": 50.0, "first_seen": 0.0, "last_seen": 24.0, "mean_confidence": 0.9}
    found = {"seconds": 12.0, "seconds_interval": interval, **times}
    video = {"key": "ep.mp4", "duration_seconds": 24.0}
    console.print_result({"video": video, "characters": {"tom": found}, "nobody": None})
    text = screen.getvalue()
    assert "12.00" in text
    assert ("between" in text) == ("11.2 and 14.0" in text) == (interval is not None)
