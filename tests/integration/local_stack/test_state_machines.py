"""Contracts with moto's Step Functions: what the template's state machine relies on, through AWS calls."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.aws import Client
from infra.local.deployment import Deployment, deploy
from infra.local.function import FunctionConfiguration, Invocation
from infra.local.moto_extensions import functions

Clients = Callable[[str], Client]
Answer = Callable[[dict[str, Any]], Any]

TASK: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "${WorkerArn}", "Payload.$": "$"},
    "ResultSelector": {"found.$": "$.Payload.found"},
    "TimeoutSeconds": 30,
}
AT_ONCE = {"IntervalSeconds": 1, "BackoffRate": 2.0, "MaxDelaySeconds": 1, "JitterStrategy": "FULL"}

DEFINITION = {
    "StartAt": "Each",
    "TimeoutSeconds": 30,
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrencyPath": "$.concurrency",
            "ItemSelector": {"item.$": "$$.Map.Item.Value", "execution.$": "$$.Execution.Name"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Work",
                "States": {
                    "Work": {
                        **TASK,
                        "Retry": [
                            {"ErrorEquals": ["Permanent"], "MaxAttempts": 0},
                            {"ErrorEquals": ["States.ALL"], "MaxAttempts": 3, **AT_ONCE},
                        ],
                        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}],
                        "End": True,
                    },
                    "Failed": {"Type": "Pass", "Parameters": {"failure.$": "$.failure"}, "End": True},
                },
            },
            "ResultPath": "$.outcomes",
            "Next": "AllFound",
        },
        "AllFound": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.outcomes[0].failure", "IsPresent": False, "Next": "Done"}],
            "Default": "Over",
        },
        "Done": {"Type": "Succeed"},
        "Over": {
            "Type": "Fail",
            "ErrorPath": "$.outcomes[0].failure.Error",
            "CausePath": "$.outcomes[0].failure.Cause",
        },
    },
}

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            },
        },
        "Worker": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "worker",
                "PackageType": "Image",
                "Code": {"ImageUri": "local/image:1"},
                "ImageConfig": {"Command": ["small.echo"]},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": "contract",
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DefinitionString": json.dumps(DEFINITION),
                "DefinitionSubstitutions": {"WorkerArn": {"Fn::GetAtt": ["Worker", "Arn"]}},
            },
        },
    }
}


@pytest.fixture(scope="module")
def machine(client: Clients) -> str:
    """The ARN of a state machine that CloudFormation has created."""
    deployment: Deployment = deploy(client("cloudformation"), "machine", TEMPLATE, {})
    (arn,) = deployment.of_type("AWS::StepFunctions::StateMachine")
    return arn


@pytest.fixture
def serve(machine: str, client: Clients) -> Iterator[Callable[[Answer], None]]:
    """Lets a Python function answer the worker's invocations; what it raises is the function's error."""
    arn = client("lambda").get_function_configuration(FunctionName="worker")["FunctionArn"]

    def serve_with(answer: Answer) -> None:
        def invoke(_configuration: FunctionConfiguration, event: bytes) -> Invocation:
            try:
                return Invocation("id", json.dumps(answer(json.loads(event))).encode(), failed=False, log="")
            except Exception as error:  # noqa: BLE001 (as the runtime does)
                document = {"errorType": type(error).__name__, "errorMessage": str(error)}
                return Invocation("id", json.dumps(document).encode(), failed=True, log="")

        functions.serve(arn, invoke)

    yield serve_with
    functions.withdraw(arn)


def run(stepfunctions: Client, machine: str, name: str, items: list[int], concurrency: int = 2) -> dict[str, Any]:
    """Execute and wait for the end, whichever it is."""
    document = json.dumps({"items": items, "concurrency": concurrency})
    arn = stepfunctions.start_execution(stateMachineArn=machine, name=name, input=document)["executionArn"]
    end = time.monotonic() + 30
    while (found := stepfunctions.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < end, found
        time.sleep(0.05)
    result: dict[str, Any] = found
    return result


def test_a_map_gives_each_item_to_the_function_in_order(
    machine: str, serve: Callable[[Answer], None], client: Clients
) -> None:
    """Substitutions name the function; context values and the selector make its event; results keep the order."""
    serve(lambda event: {"found": [event["item"] * 10, event["execution"]]})
    found = run(client("stepfunctions"), machine, "ordered", list(range(12)))
    assert found["status"] == "SUCCEEDED"
    outcomes = json.loads(found["output"])["outcomes"]
    assert outcomes == [{"found": [number * 10, "ordered"]} for number in range(12)]


def test_no_more_items_are_in_work_than_the_input_says(
    machine: str, serve: Callable[[Answer], None], client: Clients
) -> None:
    """The bound on concurrency is a value of the state, not of the definition."""
    working: list[int] = []
    most: list[int] = []

    def work(event: dict[str, Any]) -> dict[str, int]:
        working.append(event["item"])
        most.append(len(working))
        time.sleep(0.1)
        working.remove(event["item"])
        return {"found": 1}

    serve(work)
    run(client("stepfunctions"), machine, "bounded", list(range(8)), concurrency=3)
    assert max(most) == 3


def test_an_error_of_the_function_is_tried_again_by_its_name(
    machine: str, serve: Callable[[Answer], None], client: Clients
) -> None:
    """A transient one until it goes well, a permanent one never; the catch has its name and its document."""
    attempts = {0: 0, 1: 0}
    permanent = type("Permanent", (Exception,), {})

    def work(event: dict[str, Any]) -> dict[str, int]:
        attempts[event["item"]] += 1
        if event["item"] == 0:
            raise permanent("for good")
        if attempts[1] < 3:
            raise RuntimeError("not yet")
        return {"found": attempts[1]}

    serve(work)
    found = run(client("stepfunctions"), machine, "retried", [0, 1])
    assert attempts == {0: 1, 1: 3}
    assert (found["status"], found["error"]) == ("FAILED", "Permanent")
    assert json.loads(found["cause"])["errorMessage"] == "for good"


def test_a_name_starts_one_execution(machine: str, serve: Callable[[Answer], None], client: Clients) -> None:
    """The same name again is refused once the execution is over."""
    serve(lambda _event: {"found": 1})
    stepfunctions = client("stepfunctions")
    run(stepfunctions, machine, "once", [1])
    with pytest.raises(stepfunctions.exceptions.ExecutionAlreadyExists):
        stepfunctions.start_execution(stateMachineArn=machine, name="once", input="{}")


def test_a_name_that_is_running_starts_no_second_execution(
    machine: str, serve: Callable[[Answer], None], client: Clients
) -> None:
    """With the same input the running one is answered, as AWS does; it is not started again."""
    calls: list[int] = []

    def work(event: dict[str, Any]) -> dict[str, int]:
        calls.append(event["item"])
        time.sleep(0.5)
        return {"found": 1}

    serve(work)
    stepfunctions = client("stepfunctions")
    document = json.dumps({"items": [1], "concurrency": 1})
    first, second = (
        stepfunctions.start_execution(stateMachineArn=machine, name="running", input=document)["executionArn"]
        for _ in range(2)
    )
    assert first == second
    end = time.monotonic() + 30
    while stepfunctions.describe_execution(executionArn=first)["status"] == "RUNNING":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert calls == [1]
