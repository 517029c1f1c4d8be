"""`python -m tests.faults SCENARIO`: break the local stack on purpose, and see what comes of it."""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from infra.local import function_environment
from tests.faults import scenarios
from tests.faults.small_disk import interpreter
from tests.faults.system import ROOT, FaultError, FaultySystem, faulty_system

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)


def run(scenario: Callable[[FaultySystem], str], python: Path | None = None) -> None:
    """Run a scenario on a stack of its own; exits with 1 where something came of it that must not."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, faulty_system(Path(directory), python) as system:
        try:
            print(f"{scenario(system)} ({time.monotonic() - began:.0f} s)", flush=True)  # noqa: T201 (a command)
        except FaultError as error:
            print(f"FAILED: {error}", *system.log[-40:], sep="\n", file=sys.stderr)  # noqa: T201 (a command)
            raise typer.Exit(1) from None


SIMPLE: Mapping[str, Callable[[FaultySystem], str]] = {
    "registry-outage": scenarios.registry_outage,
    "registry-lost-midway": scenarios.registry_lost_midway,
    "refused-version": scenarios.refused_version,
    "damaged-models": scenarios.damaged_models,
    "aws-failures": scenarios.aws_failures,
    "network": scenarios.network,
    "time-limit": scenarios.time_limit,
}
"""Scenarios without options."""


@app.command()
def kill_points(points: int = 200, seed: int = 0) -> None:
    """Kill the function at random points over one video's processing."""
    run(lambda system: scenarios.kill_points(system, points, seed))


@app.command()
def storm(
    events: int = 500,
    videos: int = 100,
    killed: Annotated[int, typer.Option(help="One of so many invocations is killed.")] = 5,
    registry_down: bool = False,
) -> None:
    """Duplicated, shuffled events while functions are killed at random."""
    run(lambda system: scenarios.storm(system, events, videos, killed, registry_down=registry_down))


@app.command()
def full_disk() -> None:
    """Functions whose /tmp is full."""
    with tempfile.TemporaryDirectory() as name:
        full = Path(name) / "full"
        python = interpreter(Path(name), function_environment.ensure(ROOT), full)
        run(lambda system: scenarios.full_disk(system, full), python)


def _add(name: str, scenario: Callable[[FaultySystem], str]) -> None:
    def command() -> None:
        run(scenario)

    app.command(name, help=scenario.__doc__)(command)


for _name, _scenario in SIMPLE.items():
    _add(_name, _scenario)

if __name__ == "__main__":
    app()
