"""The deployed template runs on this machine, with small functions in the handler's place; and all of it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import urllib3
from botocore.exceptions import ClientError

from infra.local.errors import LocalStackError
from infra.local.mlflow_server import RegistryStore
from infra.local.stack import LocalStack, StackOptions

REGISTRY = "http://127.0.0.1:9"
"""Nobody answers there, and none of these functions asks."""

HANDLER = '''
"""Stands in the place of screen_time.handler: copies what is dropped, and fails where the key says so."""

import json
import os
import time
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    if "Records" not in event:
        raise ValueError("no records")
    return {"batchItemFailures": [failure for record in event["Records"] for failure in process(record)]}


def process(message):
    for record in json.loads(message["body"]).get("Records", []):
        key = unquote_plus(record["s3"]["object"]["key"])
        print(json.dumps({"_aws": {"CloudWatchMetrics": []}, "measured": key}))
        if key == "slow" and message["attributes"]["ApproximateReceiveCount"] == "1":
            time.sleep(60)
        if key == "poison":
            return [{"itemIdentifier": message["messageId"]}]
        body = s3.get_object(Bucket=record["s3"]["bucket"]["name"], Key=key)["Body"].read()
        result = {"bytes": len(body), "registry": os.environ["REGISTRY_URI"], "pid": os.getpid()}
        s3.put_object(Bucket=os.environ["RESULTS_BUCKET"], Key=f"{key}/screen-time.json", Body=json.dumps(result))
    return []
'''

SERVE = """
import json, sys
from pathlib import Path
from infra.local.stack import StackOptions, serve

def ready(stack):
    lambda_ = stack.client("lambda")
    lambda_.invoke(FunctionName=stack.outputs["FunctionName"], Payload=b'{"Records": []}')
    contents = stack.client("s3").list_objects_v2(Bucket=stack.outputs["VideosBucketName"]).get("Contents", [])
    print(json.dumps({"endpoint": stack.aws_endpoint, "pids": stack.pids, "keys": [c["Key"] for c in contents]}))
    sys.stdout.flush()

root, python, task_root = map(Path, sys.argv[1:4])
serve(StackOptions(root=root, python=python, task_root=task_root, registry_uri="http://127.0.0.1:9"), ready)
"""


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task root whose screen_time.handler is small."""
    directory = tmp_path_factory.mktemp("handlers")
    (directory / "screen_time").mkdir()
    (directory / "screen_time" / "__init__.py").touch()
    (directory / "screen_time" / "handler.py").write_text(HANDLER)
    return directory


@pytest.fixture(scope="module")
def log() -> list[str]:
    """Every line that the stack's function has written."""
    return []


@pytest.fixture(scope="module")
def options(root: Path, python: Path, handlers: Path, log: list[str]) -> StackOptions:
    """The real template with small functions and no registry."""
    return StackOptions(
        root=root,
        python=python,
        task_root=handlers,
        registry_uri=REGISTRY,
        name="local",
        parameters={"Stage": "local", "VisibilityTimeout": "1"},
        log=log.append,
    )


@pytest.fixture(scope="module")
def stack(options: StackOptions) -> Iterator[LocalStack]:
    """One stack for the tests that only use it."""
    with LocalStack(options) as running:
        yield running


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `condition` gives once that is something, or the last of it."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return met


def drop(stack: LocalStack, key: str, body: bytes = b"12345") -> None:
    """Put a video into the stack's bucket."""
    stack.client("s3").put_object(Bucket=stack.outputs["VideosBucketName"], Key=key, Body=body)


def result(stack: LocalStack, key: str) -> dict[str, Any] | None:
    """The result of a video, or None while there is none."""
    try:
        answer = stack.client("s3").get_object(Bucket=stack.outputs["ResultsBucketName"], Key=f"{key}/screen-time.json")
    except ClientError:
        return None
    document: dict[str, Any] = json.loads(answer["Body"].read())
    return document


def running(pids: list[int]) -> list[int]:
    """Those of the processes that have not ended."""
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def children() -> set[int]:
    """The processes under this one."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_outputs_name_what_a_user_needs(stack: LocalStack) -> None:
    """Buckets, queues and function exist under the names that the outputs give."""
    s3, sqs = stack.client("s3"), stack.client("sqs")
    for name in ("VideosBucketName", "ResultsBucketName", "ModelsBucketName"):
        s3.head_bucket(Bucket=stack.outputs[name])
    for name in ("QueueUrl", "DeadLetterQueueUrl"):
        sqs.get_queue_attributes(QueueUrl=stack.outputs[name])
    stack.client("lambda").get_function(FunctionName=stack.outputs["FunctionName"])
    assert stack.registry_uri == REGISTRY


def test_dropped_video_has_a_result(stack: LocalStack) -> None:
    """From the bucket over the queue to the function, and from the function into the other bucket."""
    drop(stack, "incoming/ep 1 (ü).mp4")
    document = until(lambda: result(stack, "incoming/ep 1 (ü).mp4"))
    assert document["bytes"] == 5
    assert document["registry"] == REGISTRY
    assert document["pid"] in stack.pids


def test_function_runs_with_the_templates_limits(stack: LocalStack) -> None:
    """Command, memory, time-out and log group come from the template."""
    drop(stack, "limits")
    assert until(lambda: result(stack, "limits"))
    configuration = stack.execution_environments[0].configuration
    assert configuration.handler == "screen_time.handler.handler"
    assert (configuration.memory_mebibytes, configuration.timeout_seconds) == (3008, 900)
    assert configuration.log_group == stack.outputs["LogGroupName"]
    assert configuration.environment["RESULTS_BUCKET"] == stack.outputs["ResultsBucketName"]


def test_lines_go_to_cloudwatch_and_to_who_watches(stack: LocalStack, log: list[str]) -> None:
    """Metrics in embedded format among them, exactly as they were written."""
    drop(stack, "logged.mp4")
    assert until(lambda: result(stack, "logged.mp4"))
    line = json.dumps({"_aws": {"CloudWatchMetrics": []}, "measured": "logged.mp4"})
    group = stack.outputs["LogGroupName"]
    events = until(lambda: stack.client("logs").filter_log_events(logGroupName=group)["events"])
    assert line in log
    assert line in [event["message"] for event in events]


def test_video_whose_function_is_killed_is_measured_by_the_retry(stack: LocalStack, log: list[str]) -> None:
    """The message comes back when its visibility time-out is over, and another environment takes it."""
    drop(stack, "slow")
    line = json.dumps({"_aws": {"CloudWatchMetrics": []}, "measured": "slow"})
    assert until(lambda: line in log)
    for environment in stack.execution_environments:
        environment.kill()
    assert until(lambda: result(stack, "slow"))


def test_poison_ends_in_the_dead_letter_queue(stack: LocalStack) -> None:
    """After as many attempts as the template allows; others are not kept waiting."""
    drop(stack, "poison")
    drop(stack, "after the poison")
    assert until(lambda: result(stack, "after the poison"))
    receive = {"QueueUrl": stack.outputs["DeadLetterQueueUrl"]}
    (message,) = until(lambda: stack.client("sqs").receive_message(**receive).get("Messages"))
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "poison"


def test_failed_invocation_tells_why(stack: LocalStack) -> None:
    """`aws lambda invoke` shows the handler's exception, and the tail of its log where it is asked for."""
    function = {"FunctionName": stack.outputs["FunctionName"], "LogType": "Tail"}
    answer = stack.client("lambda").invoke(**function, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorMessage"] == "no records"
    assert answer["LogResult"]


def test_any_aws_client_works_with_any_credentials(stack: LocalStack) -> None:
    """As `aws --endpoint-url` would: whoever asks sees the one account."""
    client = boto3.client(
        "s3",
        endpoint_url=stack.aws_endpoint,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="anything",
        region_name="us-east-1",
    )
    assert stack.outputs["VideosBucketName"] in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]


def test_only_motos_variable_is_set_meanwhile(options: StackOptions, stack: LocalStack) -> None:
    """The program that a stack is part of keeps its environment, its credentials above all."""
    before = dict(os.environ)
    assert before["MOTO_PORT"] == stack.aws_endpoint.rsplit(":", 1)[1]
    other = StackOptions(
        root=options.root,
        python=options.python,
        task_root=options.task_root,
        registry_uri=REGISTRY,
        name="other",
        parameters={"Stage": "other"},
    )
    with LocalStack(other):
        assert dict(os.environ) | {"MOTO_PORT": ""} == before | {"MOTO_PORT": ""}
    assert dict(os.environ) == before


@pytest.fixture
def served(options: StackOptions) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A stack in a process of its own, started as a script starts one in the background; what it says when it is up."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", SERVE]
    command += map(str, (options.root, options.python, options.task_root))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=options.root) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


Served = tuple[subprocess.Popen[str], dict[str, Any]]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_second_stack_beside_the_first_has_an_account_of_its_own(
    stack: LocalStack, served: Served, ending: signal.Signals
) -> None:
    """Other ports, other contents; and a signal ends the second with its processes, and not the first."""
    process, said = served
    drop(stack, f"mine-{ending.name}")
    assert said["endpoint"] != stack.aws_endpoint
    assert said["keys"] == []
    assert running(said["pids"]) != []
    process.send_signal(ending)
    assert process.wait(20) == 0
    assert running(said["pids"]) == []
    assert until(lambda: result(stack, f"mine-{ending.name}"))


def test_killed_stack_leaves_no_process_behind(served: Served) -> None:
    """Nothing can be done any more by then; its processes end all the same."""
    process, said = served
    process.kill()
    assert until(lambda: not running(said["pids"]), seconds=5)


def test_failure_half_way_leaves_nothing_running(options: StackOptions, tmp_path: Path) -> None:
    """The registry's server, which had been started by then, is gone, and so is moto's."""
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    broken = StackOptions(
        root=options.root, python=options.python, store=RegistryStore(tmp_path), parameters={"No": ""}
    )
    with pytest.raises(LocalStackError, match="no parameters No"), LocalStack(broken):
        pass
    assert (
        running([child.pid for child in psutil.Process().children(recursive=True) if child.pid not in children]) == []
    )


@pytest.mark.slow
def test_function_is_told_where_the_registry_is(options: StackOptions, tmp_path: Path) -> None:
    """A stack with a registry of its own: it answers, functions have its address, and it ends with the stack."""
    whole = StackOptions(
        root=options.root,
        python=options.python,
        task_root=options.task_root,
        store=RegistryStore(tmp_path),
        name="whole",
        parameters={"Stage": "whole"},
    )
    with LocalStack(whole) as stack:
        assert urllib3.request("GET", f"{stack.registry_uri}/version").status == 200
        drop(stack, "video")
        assert until(lambda: result(stack, "video"))["registry"] == stack.registry_uri
        stack.check()
        pids = stack.pids
        assert len(pids) >= 2
    assert running(pids) == []
