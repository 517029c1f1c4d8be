"""What one hostile file is called, how its bytes are made, and what must become of it."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from screen_time.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Bait:
    """What a hostile file tries to reach: ports on this machine that somebody watches, and a file that nobody opens."""

    tcp_port: int
    udp_port: int
    canary: Path

    @property
    def http(self) -> str:
        """The address that a playlist would fetch from."""
        return f"http://127.0.0.1:{self.tcp_port}/segment.ts"


@dataclass(frozen=True, slots=True)
class Refused:
    """The file ends in a permanent error with one of these codes."""

    codes: frozenset[ErrorCode]


@dataclass(frozen=True, slots=True)
class Measured:
    """The file is measured: milliseconds in all (None: any), numbers that the samples show, and what the result says.

    `size` is width and height as displayed.
    """

    milliseconds: int | None = None
    numbers: tuple[int, ...] | None = None
    truncated: bool | None = False
    corrupt: bool | None = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class RefusedOrCut:
    """The file is refused, or its result says that it ends too early or that packets were passed over."""


@dataclass(frozen=True, slots=True)
class Anything:
    """The file is refused, or measured; what counts are the bounds and that nothing else is touched."""


Fate = Refused | Measured | RefusedOrCut | Anything
Make = Callable[[Bait], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile file; `name` is also the test's."""

    name: str
    make: Make
    fate: Fate


def refused(*codes: ErrorCode) -> Refused:
    """Refused with one of `codes`."""
    return Refused(frozenset(codes))


def measured(seconds: float | Fraction, *numbers: int, size: tuple[int, int] | None = None) -> Measured:
    """Measured in full: `seconds` long, showing `numbers` (unchecked where none is given)."""
    return Measured(round(seconds * 1000), numbers or None, size=size)


def fixed(content: bytes) -> Make:
    """Bytes that try to reach nothing."""
    return lambda _bait: content


def made(make: Callable[[], bytes]) -> Make:
    """Bytes that are made when they are needed and try to reach nothing."""
    return lambda _bait: make()
