"""What the tests of the local stack share: an extended moto server, and small functions in real environments."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import aws, function_environment
from infra.local.execution_environment import ExecutionEnvironment, Platform
from infra.local.function import FunctionConfiguration
from infra.local.moto_server import moto_server
from infra.local.processes import ProcessGroups

ROOT = Path(__file__).parents[3]

HANDLERS = '''
"""Small functions, each of which does one thing that a function may do."""

import json
import os
import subprocess
import sys
import threading
import time

print("loaded")


def echo(event, context):
    return {"event": event, "pid": os.getpid()}


def describe(event, context):
    return {
        "environment": dict(os.environ),
        "modules": sorted(sys.modules),
        "path": sys.path,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "request_id": context.aws_request_id,
    }


def importable(event, context):
    import importlib.util

    return {name: importlib.util.find_spec(name) is not None for name in event}


def say(event, context):
    for line in event:
        print(line)
    sys.stdout.write("no line break")


def fail(event, context):
    raise ValueError("the handler failed")


def leave(event, context):
    os._exit(event)


def sleep(event, context):
    time.sleep(event)
    return os.getpid()


def grow(event, context):
    held = [bytearray(os.urandom(1 << 20)) for _ in range(event)]
    time.sleep(5)
    return len(held)


def spawn(event, context):
    return subprocess.Popen(["sleep", "600"]).pid
'''


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's directory."""
    return ROOT


@pytest.fixture(scope="session")
def python(root: Path) -> Path:
    """The interpreter of the environment that holds what the image holds."""
    return function_environment.ensure(root, lambda line: print(line, file=sys.stderr))  # noqa: T201


@pytest.fixture(scope="session")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LAMBDA_TASK_ROOT with small functions, and with one that cannot be imported."""
    directory = tmp_path_factory.mktemp("functions")
    (directory / "small.py").write_text(HANDLERS)
    (directory / "broken.py").write_text("import nothing_of_that_name\n")
    return directory


@pytest.fixture
def processes() -> Iterator[ProcessGroups]:
    """Process groups that end with the test."""
    with ProcessGroups() as groups:
        yield groups


@pytest.fixture
def log() -> list[str]:
    """Every line that the functions of a test have written."""
    return []


@pytest.fixture
def platform(python: Path, task_root: Path, processes: ProcessGroups, log: list[str]) -> Platform:
    """What execution environments need; there is no AWS at its endpoint."""
    return Platform(
        python, task_root, "http://127.0.0.1:9", processes, lambda _configuration, _stream, lines: log.extend(lines)
    )


Configure = Callable[..., FunctionConfiguration]
Start = Callable[..., ExecutionEnvironment]


@pytest.fixture(scope="session")
def configure() -> Configure:
    """Makes the configuration of a small function."""

    def configuration(handler: str, **changes: Any) -> FunctionConfiguration:
        settings: dict[str, Any] = {
            "name": "small",
            "arn": f"arn:aws:lambda:{aws.REGION}:123456789012:function:small",
            "region": aws.REGION,
            "environment": {"COLOUR": "blue"},
            "memory_mebibytes": 512,
            "timeout_seconds": 30,
            "log_group": "/aws/lambda/small",
        }
        return FunctionConfiguration(handler=handler, **(settings | changes))

    return configuration


@pytest.fixture
def start(platform: Platform, configure: Configure) -> Iterator[Start]:
    """Starts an execution environment of a small function, which ends with the test."""
    started: list[ExecutionEnvironment] = []

    def start_environment(handler: str, **changes: Any) -> ExecutionEnvironment:
        started.append(ExecutionEnvironment(configure(handler, **changes), platform))
        return started[-1]

    yield start_environment
    for environment in started:
        environment.close()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An extended moto server with an empty account."""
    with moto_server() as address:
        yield address


@pytest.fixture(scope="module")
def client(endpoint: str) -> Callable[[str], aws.Client]:
    """Makes clients of that server."""
    return lambda service: aws.client(service, endpoint)
