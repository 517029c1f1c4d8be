"""The long videos' state machine: well-formed, bounded in time, and it knows the tasks and their errors by name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from statelint.linter import Linter

from screen_time.errors import SupersededError
from screen_time.merging import PartialsError, SeamError
from screen_time.segments import RefusedError
from tests.template.cloudformation import ROOT, main, resources

State = dict[str, Any]

DEFINITION = ROOT / "statemachine" / "long-video.asl.json"
TASKS = ROOT / "functions" / "screen_time" / "tasks.py"
PERMANENT = {error.__name__ for error in (RefusedError, SupersededError, PartialsError, SeamError)}
STANDARD_EVENTS = 25_000
"""Events that an execution's history may have: an execution that goes beyond fails."""


def definition() -> State:
    document: State = json.loads(DEFINITION.read_text())
    return document


def states(machine: State) -> Iterator[tuple[str, State]]:
    """Every state by its name, those inside a map too."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks() -> dict[str, State]:
    return {name: state for name, state in states(definition()) if state["Type"] == "Task"}


def test_definition_is_clean() -> None:
    """What the language's linter knows: every state is reached, every next one exists, fields have their types."""
    assert Linter.validate(definition()) == []


def test_linter_finds_what_it_is_there_for() -> None:
    """A transition into nothing would only show when it is taken."""
    broken = definition()
    broken["States"]["Plan"]["Next"] = "Nowhere"
    assert Linter.validate(broken)


def test_template_substitutes_all_that_the_definition_leaves_open() -> None:
    """A placeholder that nobody fills would be a function's name."""
    (machine,) = resources(main(), "AWS::StepFunctions::StateMachine").values()
    assert set(re.findall(r"\$\{(\w+)\}", DEFINITION.read_text())) == set(machine["DefinitionSubstitutions"])


def test_every_task_is_one_that_the_function_does() -> None:
    """The names in the payloads are those that the handler tells apart, and none of its tasks is never asked for."""
    asked = {state["Parameters"]["Payload"]["task"] for state in tasks().values()}
    assert asked == set(re.findall(r'case "(\w+)":', TASKS.read_text()))


@pytest.mark.parametrize("name", tasks())
def test_every_task_ends_and_is_tried_again(name: str) -> None:
    """After the function's own time-out at the latest; with growing pauses that are not the same for all."""
    task = tasks()[name]
    assert task["TimeoutSeconds"] > main()["Parameters"]["FunctionTimeout"]["MaxValue"]
    *_, throttled, last = task["Retry"]
    assert (throttled["ErrorEquals"], last["ErrorEquals"]) == (["Lambda.TooManyRequestsException"], ["States.ALL"])
    for retrier in (throttled, last):
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["BackoffRate"] > 1
        assert retrier["MaxDelaySeconds"] >= 60


@pytest.mark.parametrize("name", ["Plan", "Measure", "Merge"])
def test_what_is_permanent_is_not_tried_again(name: str) -> None:
    """By the names of the code's own errors, before the retrier that takes all."""
    first = tasks()[name]["Retry"][0]
    assert first["MaxAttempts"] == 0
    assert {"RefusedError", "SupersededError"} <= set(first["ErrorEquals"]) <= PERMANENT


def test_whatever_fails_is_caught() -> None:
    """But for the task that writes error.json: behind it there is nothing but the failed execution."""
    for name, state in states(definition()):
        if state["Type"] in ("Task", "Map") and name != "Refuse":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
    assert definition()["States"]["Refuse"]["Next"] == "Failed"
    assert definition()["States"]["Failed"]["Type"] == "Fail"


def test_an_execution_ends_before_its_history_is_full() -> None:
    """Forty segments that are throttled until they give up leave fewer events than Step Functions keeps."""
    throttled = tasks()["Measure"]["Retry"][-2]
    events_an_attempt, events_beside = 3, 10
    assert 40 * (throttled["MaxAttempts"] * events_an_attempt + events_beside) < STANDARD_EVENTS
    assert definition()["TimeoutSeconds"] <= 24 * 3600
