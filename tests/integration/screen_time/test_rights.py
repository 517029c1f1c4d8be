"""Least privilege, in both directions: what each function calls is what its role allows, call by call and bucket by
bucket.
"""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient

from tests.integration.screen_time import test_handler, test_tasks
from tests.integration.screen_time.test_handler import Context, batch, notification
from tests.registered_models import ModelRegistry
from tests.template.cloudformation import main, role_statements, several

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

function, red_video = test_handler.function, test_handler.red_video
execution, clip = test_tasks.execution, test_tasks.clip

Right = tuple[str, str]
"""An action and the bucket it is for, '' for what is no bucket's."""

ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "stepfunctions:StartExecution": "states:StartExecution",
    "sfn:StartExecution": "states:StartExecution",
}
"""Operations whose right has another name than they."""

NOT_SEEN_HERE = {
    "dynamodb:GetItem": "Powertools reads a record where DynamoDB's refusal did not bring it along",
    "dynamodb:UpdateItem": "renews the lease of a video that takes longer; test_leases sees it",
    "ec2:": "Lambda's service makes the network interfaces",
    "events:PutEvents": "only where an event bus is given; test_handler tells of each video once",
    "logs:": "Lambda's service writes the lines",
    "s3:AbortMultipartUpload": "boto3 calls it when a part of a large model cannot be uploaded",
    "s3:GetObjectTagging": "before the tags of a document that another upload's replaced are changed",
    "s3:ListBucket": "S3 asks for it before it says that an object is missing",
    "secretsmanager:GetSecretValue": "only where the registry has a secret; test_credentials reads it",
    "sns:Publish": "only where a topic is given; test_handler tells of each video once",
    "sqs:DeleteMessage": "Lambda's poller takes messages in the role's name",
    "sqs:GetQueueAttributes": "Lambda's poller",
    "sqs:ReceiveMessage": "Lambda's poller",
    "xray:": "Lambda's daemon sends the traces",
}
"""Rights that a function does not use by a call of its own, or not in these scenarios, and why it has them."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> set[Right]:
    """What the functions' code calls from now on, as rights; what the tests call themselves is left out."""
    found: set[Right] = set()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: dict[str, Any]) -> object:
        if _is_the_function_s():
            found.update(_rights(client.meta.service_model.service_name, operation, parameters))
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return found


def _is_the_function_s() -> bool:
    """Code of ours is on the stack, or it is a thread of boto3's, which only our code starts."""
    if threading.current_thread() is not threading.main_thread():
        return True
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if f"{Path('functions') / 'screen_time'}" in frame.f_code.co_filename:
            return True
    return False


def _rights(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[Right]:
    bucket = str(parameters.get("Bucket", ""))
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    yield action, bucket
    if action == "s3:GetObject" and "VersionId" in parameters:
        yield "s3:GetObjectVersion", bucket
    if action == "s3:PutObject" and "Tagging" in parameters:
        yield "s3:PutObjectTagging", bucket


def allowed(role: str) -> set[Right]:
    """The rights of a role by its policies; a bucket is called as the tests call it."""
    return {
        (action, _bucket(resource))
        for statement in role_statements(main(), role)
        for action in several(statement["Action"])
        for resource in several(statement["Resource"])
    }


def _bucket(resource: object) -> str:
    text = json.dumps(resource)
    return next((name for name in ("videos", "results", "models") if f"{name.title()}Bucket" in text), "")


def check(calls: set[Right], role: str) -> None:
    """Fail for a call without its right, and for a right without its call or its reason."""
    rights = allowed(role)
    assert calls - rights == set()
    idle = {right for right in rights - calls if not any(right[0].startswith(known) for known in NOT_SEEN_HERE)}
    assert idle == set()


def test_the_function_calls_what_its_role_allows_and_may_no_more(
    function: ModuleType,
    s3: "S3Client",
    red_video: bytes,
    calls: set[Right],
    registry: ModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A result with its shadow and an error that takes both away, a failure that is tried again, and a video that is
    handed over.
    """
    registry.register(alias="rights-challenger")
    asked = replace(function.settings, shadow_share=1.0, shadow_alias="rights-challenger")
    monkeypatch.setattr(function, "settings", asked)
    for body in (red_video, b"no video", red_video):
        function.handler(batch(json.dumps(notification(s3, "a.mp4", body))), Context())
    function.handler(batch("not JSON"), Context())
    hand_over(function, s3, red_video, monkeypatch)
    check(calls, "FunctionRole")


def hand_over(function: ModuleType, s3: "S3Client", video: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the state machine asked to measure a video."""
    from screen_time.long_videos import LongVideos

    machine = boto3.client("stepfunctions").create_state_machine(
        name="long",
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/long",
    )
    long_videos = LongVideos(boto3.client("stepfunctions"), machine["stateMachineArn"], 0)
    monkeypatch.setattr(LongVideos, "takes", lambda *_: True)
    monkeypatch.setattr(function._ingest(), "_long_videos", long_videos)
    function.handler(batch(json.dumps(notification(s3, "long.mp4", video))), Context())


def test_the_tasks_call_what_their_role_allows_and_may_no_more(
    execution: test_tasks.Execution, calls: set[Right]
) -> None:
    """A long video from its plan to its result, and its partials taken away."""
    test_tasks.test_the_tasks_together_write_what_one_invocation_would(execution)
    check(calls, "TasksFunctionRole")


def test_a_call_without_its_right_and_a_right_without_its_call_are_found() -> None:
    """The comparison means something."""
    with pytest.raises(AssertionError):
        check(allowed("FunctionRole") | {("s3:DeleteObject", "videos")}, "FunctionRole")
    with pytest.raises(AssertionError):
        check(allowed("FunctionRole") - {("s3:PutObject", "results")}, "FunctionRole")
    check(allowed("FunctionRole"), "FunctionRole")
