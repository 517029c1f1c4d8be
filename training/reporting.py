"""How long work tells the person who waits for it where it is."""

from typing import Protocol


class Reporter(Protocol):
    """Receives stages, their progress, and sentences; the command line draws them, a notebook may print them."""

    def stage(self, title: str, total: int | None = None) -> None:
        """A new stage begins; `total` steps of it will be reported, where that is known."""

    def advance(self, steps: int = 1) -> None:
        """The current stage has taken `steps` more."""

    def note(self, sentence: str) -> None:
        """Something that the person should know, in one sentence."""


class Silent:
    """Reports nothing."""

    def stage(self, title: str, total: int | None = None) -> None:
        """Ignore the stage."""

    def advance(self, steps: int = 1) -> None:
        """Ignore the progress."""

    def note(self, sentence: str) -> None:
        """Ignore the sentence."""
