"""An execution environment behaves as Lambda's: results, failures, limits, variables and logs."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from infra.local.execution_environment import ExecutionEnvironment, Platform
from infra.local.function import Invocation

Start = Callable[..., ExecutionEnvironment]


def answer(invocation: Invocation) -> dict[str, object]:
    """The JSON that an invocation ended with."""
    document: dict[str, object] = json.loads(invocation.payload)
    return document


def test_result_and_event_pass_through_unchanged(start: Start) -> None:
    """What a handler gets and returns is the caller's JSON, non-ASCII and megabytes included."""
    event = {"key": "ep 1 – ü.mp4", "body": "x" * 3_000_000}
    invocation = start("small.echo").invoke(json.dumps(event).encode())
    assert not invocation.failed
    assert answer(invocation)["event"] == event


def test_one_process_serves_one_invocation_after_the_other(start: Start) -> None:
    """A warm environment keeps its process, and loads the handler once."""
    environment = start("small.echo")
    pids = {answer(environment.invoke(b"{}"))["pid"] for _ in range(5)}
    assert pids == {environment.pid}


def test_warm_invocation_is_quick(start: Start) -> None:
    """No delayed acknowledgement (40 ms a time) hides in the runtime API."""
    environment = start("small.echo")
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        environment.invoke(b"{}")
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.02


def test_context_tells_the_functions_limits(start: Start) -> None:
    """The context has the configured memory, the ARN, the request's id, and the time that is left."""
    invocation = start("small.describe", timeout_seconds=7, memory_mebibytes=300).invoke(b"{}")
    told = answer(invocation)
    assert told["memory"] == "300"
    assert str(told["arn"]).endswith(":function:small")
    assert told["request_id"] == invocation.request_id
    assert 6000 < float(str(told["remaining_ms"])) <= 7000


def test_variables_are_lambdas_and_the_templates_only(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's shell reaches a function, least of all credentials."""
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE", "AWS_CA_BUNDLE", "MLFLOW_TRACKING_URI", "EDITOR"):
        monkeypatch.setenv(name, "/of/the/developer")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    environment = answer(start("small.describe").invoke(b"{}"))["environment"]
    assert isinstance(environment, dict)
    own = {"COLOUR", "AWS_ENDPOINT_URL", "HOME", "TMPDIR"}
    of_lambda = set(
        "_HANDLER _X_AMZN_TRACE_ID AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_LAMBDA_FUNCTION_MEMORY_SIZE "
        "AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_FORMAT "
        "AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION "
        "AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_XRAY_CONTEXT_MISSING LAMBDA_TASK_ROOT LANG PATH TZ".split()
    )
    assert set(environment) - {"LC_CTYPE"} == own | of_lambda
    assert "/of/the/developer" not in environment.values()
    assert environment["AWS_SECRET_ACCESS_KEY"] == "local"


def test_only_the_images_packages_can_be_imported(start: Start) -> None:
    """The function environment has what the image has, and none of what training brings along."""
    names = [
        "boto3",
        "openvino",
        "av",
        "cv2",
        "numpy",
        "awslambdaric",
        "tensorflow",
        "mlflow",
        "keras",
        "moto",
        "infra",
    ]
    found = answer(start("small.importable").invoke(json.dumps(names).encode()))
    assert found == {name: index < names.index("tensorflow") for index, name in enumerate(names)}


def test_exception_is_an_answer_and_the_environment_stays(start: Start) -> None:
    """A handler's exception is reported with type, message and stack; the process serves on."""
    environment = start("small.fail")
    invocation = environment.invoke(b"{}")
    assert invocation.failed
    assert answer(invocation)["errorType"] == "ValueError"
    assert answer(invocation)["errorMessage"] == "the handler failed"
    assert environment.alive


def test_handler_that_cannot_be_loaded_fails_the_invocation(start: Start) -> None:
    """An import error at the start is told to the caller, and ends the environment."""
    environment = start("broken.handler")
    invocation = environment.invoke(b"{}")
    assert invocation.failed
    assert answer(invocation)["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_of_that_name" in str(answer(invocation)["errorMessage"])


def test_time_out_ends_the_environment(start: Start) -> None:
    """The configured time-out is kept, and reported in Lambda's words."""
    environment = start("small.sleep", timeout_seconds=1)
    began = time.monotonic()
    invocation = environment.invoke(b"60")
    assert time.monotonic() - began < 10
    assert answer(invocation) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert not environment.alive
    assert "Task timed out after 1.00 seconds" in invocation.log


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "Runtime exited with error: exit status 3"), (0, "Runtime exited without providing a reason")],
)
def test_crash_is_reported_with_its_exit_status(start: Start, status: int, words: str) -> None:
    """A process that ends in the middle of an invocation fails it."""
    environment = start("small.leave")
    invocation = environment.invoke(str(status).encode())
    assert answer(invocation)["errorType"] == "Runtime.ExitError"
    assert str(answer(invocation)["errorMessage"]).endswith(words)
    assert not environment.alive


def test_memory_beyond_the_limit_kills(start: Start) -> None:
    """More resident memory than configured ends the environment as Lambda ends it."""
    environment = start("small.grow", memory_mebibytes=128)
    invocation = environment.invoke(b"400")
    assert answer(invocation)["errorType"] == "Runtime.ExitError"
    assert str(answer(invocation)["errorMessage"]).endswith("Runtime exited with error: signal: killed")
    assert not environment.alive


def test_memory_within_the_limit_is_reported(start: Start) -> None:
    """The report has the peak that was seen."""
    environment = start("small.sleep", memory_mebibytes=256, log_format="JSON")
    report = json.loads(environment.invoke(b"0.2").log.splitlines()[-1])
    assert report["type"] == "platform.report"
    assert 10 < report["record"]["metrics"]["maxMemoryUsedMB"] < 256


def test_killed_from_outside_fails_the_invocation(start: Start) -> None:
    """What the out-of-memory killer does looks as it does on Lambda."""
    environment = start("small.sleep")
    threading.Timer(0.5, os.kill, (environment.pid, signal.SIGKILL)).start()
    assert str(answer(environment.invoke(b"60"))["errorMessage"]).endswith("signal: killed")


def test_log_has_every_line_untouched_between_lambdas_own(start: Start, log: list[str]) -> None:
    """Long lines (metrics in embedded format), quotes and an unfinished last line arrive as they were written."""
    lines = [json.dumps({"_aws": {"CloudWatchMetrics": []}, "padding": "x" * 200_000}), 'with "quotes" and \t tabs']
    invocation = start("small.say").invoke(json.dumps(lines).encode())
    assert log[0] == f"START RequestId: {invocation.request_id} Version: $LATEST"
    assert log[1:-1] == ["loaded", *lines, "no line break"]
    assert log[-1].startswith(f"REPORT RequestId: {invocation.request_id}\tDuration: ")
    assert invocation.log == "\n".join(log)


def test_close_leaves_no_process_and_no_file(start: Start, platform: Platform) -> None:
    """Children of the function and its temporary directory go with it."""
    environment = start("small.describe")
    home = str(answer(environment.invoke(b"{}"))["environment"]["HOME"])  # type: ignore[index]
    other = start("small.spawn")
    child = psutil.Process(int(other.invoke(b"{}").payload))
    assert os.path.isdir(home)  # noqa: PTH112 (a name from another process)
    environment.close()
    other.close()
    assert platform.processes.pids == []
    assert not os.path.exists(home)  # noqa: PTH110
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
