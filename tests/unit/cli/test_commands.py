"""What holds for every command: it starts fast, its help has an example, and the example can be typed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app

GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = dict(GROUP.commands)
SCREEN_TIME = Path(sys.executable).with_name("screen-time")

HEAVY = {"av", "boto3", "cv2", "flask", "jinja2", "mlflow", "numpy", "openvino", "pandas", "sklearn", "tensorflow"}
"""Each of them would cost a good part of the 0.3 seconds in which help is shown."""


def example(command: Any) -> list[str]:
    """The words of the first line after `Example:` in a command's help."""
    lines = (command.help or "").split("Example:")[1].strip().splitlines()
    return shlex.split(lines[0].replace("[cyan]", "").replace("[/cyan]", ""))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_has_an_example_that_can_be_typed(name: str) -> None:
    """It begins with the command, and the command understands every word of it."""
    command = COMMANDS[name]
    words = example(command)
    assert words[:2] == ["screen-time", name]
    context = command.make_context(name, [], resilient_parsing=True)
    context.resilient_parsing = False
    values, left, _order = command.make_parser(context).parse_args(args=words[2:])
    assert left == []
    assert {parameter.name for parameter in command.params if parameter.required} <= {
        name for name, value in values.items() if value
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    """In a sentence of the help."""
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_help_imports_nothing_heavy() -> None:
    """Whatever a command needs, it imports when it runs."""
    code = "import sys, cli.main; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY & set(answer.stdout.split()) == set()


def processor_seconds(command: list[str]) -> float:
    """The least of three runs."""
    used = []
    for _ in range(3):
        before = os.times()
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        after = os.times()
        used.append(after.children_user - before.children_user + after.children_system - before.children_system)
    return min(used)


def test_help_is_there_in_a_moment() -> None:
    """At most three times the processor time that importing the library it is made with takes, on any machine."""
    library = processor_seconds([sys.executable, "-c", "import typer, rich.console"])
    assert processor_seconds([str(SCREEN_TIME), "--help"]) < 3 * library


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    """As `screen-time --install-completion` installs it."""
    variables = {
        "bash": {"COMP_WORDS": "screen-time pro", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "screen-time pro"},
        "fish": {"_TYPER_COMPLETE_ARGS": "screen-time pro", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, **variables, "_SCREEN_TIME_COMPLETE": f"complete_{shell}"}
    answer = subprocess.run(
        [str(SCREEN_TIME)], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert "promote" in answer.stdout


def test_a_mistyped_command_names_the_one_that_was_meant() -> None:
    """And where the others are listed."""
    answer = CliRunner().invoke(app, ["promot"])
    assert answer.exit_code == 2
    assert "promote" in answer.output
