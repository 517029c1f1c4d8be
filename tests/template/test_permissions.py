"""Least privilege: every right names what it is for, and each exception is listed here with its reason."""

import re

import pytest

from screen_time.announcements import SOURCE
from tests.template.cloudformation import Document, main, registry, resources, role_statements, several

WITHOUT_RESOURCES = {
    "SendTraces": "X-Ray has no resources",
    "JoinVpc": "network interfaces have no names before they exist",
    "LogInToEcr": "ECR's token has no resource",
    "DeliverLogs": "deliveries of logs have no resource",
    "OpenSessions": "Session Manager's channels have no resources",
}
TAG = {"s3:GetObjectTagging", "s3:PutObjectTagging"}
BOTH = pytest.mark.parametrize("template", [main(), registry()], ids=["main", "registry"])


def actions_on(resource: Document, role: str = "FunctionRole") -> set[str]:
    return {
        action
        for statement in role_statements(main(), role)
        if resource in several(statement["Resource"])
        for action in several(statement["Action"])
    }


@BOTH
def test_no_role_may_do_everything_of_a_service(template: Document) -> None:
    """No action holds a wildcard, and no managed policy brings one in."""
    statements = list(role_statements(template))
    assert statements
    assert not [action for each in statements for action in several(each["Action"]) if "*" in action]
    assert not [role for role in resources(template, "AWS::IAM::Role").values() if role.get("ManagedPolicyArns")]


@BOTH
def test_no_role_reaches_everything_without_a_reason(template: Document) -> None:
    """Only services without resources to name are granted on `*`."""
    unbounded = {each.get("Sid") for each in role_statements(template) if "*" in several(each["Resource"])}
    assert unbounded <= set(WITHOUT_RESOURCES)


@BOTH
def test_every_role_is_one_services(template: Document) -> None:
    """Only the service that runs the code may take its role."""
    for role in resources(template, "AWS::IAM::Role").values():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            assert set(statement["Principal"]) == {"Service"}
            assert statement["Action"] == "sts:AssumeRole"


def test_functions_have_no_roles_but_their_own() -> None:
    """A role that the translator made would bring AWS's wide managed policies."""
    roles = {name: each["Role"] for name, each in resources(main(), "AWS::Lambda::Function").items()}
    assert roles == {name: {"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in ("Function", "TasksFunction")}
    (machine,) = resources(main(), "AWS::StepFunctions::StateMachine").values()
    assert machine["RoleArn"] == {"Fn::GetAtt": ["LongVideosRole", "Arn"]}
    assert set(resources(main(), "AWS::IAM::Role")) == {"FunctionRole", "TasksFunctionRole", "LongVideosRole"}


def test_state_machine_invokes_its_tasks_and_nothing_else() -> None:
    """What an execution's input says cannot reach another function."""
    assert actions_on({"Fn::GetAtt": ["TasksFunction", "Arn"]}, "LongVideosRole") == {"lambda:InvokeFunction"}
    granted = {action for each in role_statements(main(), "LongVideosRole") for action in several(each["Action"])}
    assert {action.partition(":")[0] for action in granted} == {"lambda", "logs", "xray"}
    assert actions_on({"Ref": "LongVideos"}) == {"states:StartExecution"}


def test_tasks_change_nothing_but_results() -> None:
    """Workers read videos and models; only what belongs to a video's documents and partials is theirs to write."""
    role = "TasksFunctionRole"
    assert actions_on({"Fn::Sub": "${VideosBucket.Arn}/*"}, role) == {"s3:GetObject", "s3:GetObjectVersion"}
    assert actions_on({"Fn::Sub": "${ModelsBucket.Arn}/*"}, role) == {"s3:GetObject"}
    results = actions_on({"Fn::Sub": "${ResultsBucket.Arn}/*"}, role)
    assert results == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} | TAG
    granted = {action for each in role_statements(main(), role) for action in several(each["Action"])}
    assert {action.partition(":")[0] for action in granted} == {
        *("s3", "logs", "xray", "ec2", "secretsmanager"),
        *("events", "sns"),
    }


def test_function_reads_videos_and_never_changes_them() -> None:
    """Whatever a video's bytes do to a decoder, they cannot overwrite videos."""
    assert actions_on({"Fn::Sub": "${VideosBucket.Arn}/*"}) == {"s3:GetObject", "s3:GetObjectVersion"}
    assert actions_on({"Fn::GetAtt": ["VideosBucket", "Arn"]}) == {"s3:ListBucket"}


def test_function_writes_results_and_its_cache_of_models() -> None:
    """Results may be taken away again (an error.json that a good upload replaces); cached models may not."""
    write = {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}
    assert actions_on({"Fn::Sub": "${ResultsBucket.Arn}/*"}) == write | {"s3:DeleteObject"} | TAG
    assert actions_on({"Fn::Sub": "${ModelsBucket.Arn}/*"}) == write


def test_function_uses_its_queue_table_and_log_group_only() -> None:
    """Exactly what receiving, remembering and logging need."""
    assert actions_on({"Fn::GetAtt": ["Queue", "Arn"]}) == {
        f"sqs:{verb}" for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
    }
    assert actions_on({"Fn::GetAtt": ["IdempotencyTable", "Arn"]}) == {
        f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")
    }
    assert actions_on({"Fn::GetAtt": ["FunctionLogGroup", "Arn"]}) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_function_reads_the_given_secret_and_only_if_there_is_one() -> None:
    """No secret given, no right to read any."""
    assert actions_on({"Ref": "RegistrySecretArn"}) == {"secretsmanager:GetSecretValue"}
    reading = [name for name, each in main()["Resources"].items() if "secretsmanager:GetSecretValue" in str(each)]
    assert [main()["Resources"][name].get("Condition") for name in reading] == ["HasRegistrySecret"]


def test_functions_tell_only_who_is_named_and_only_their_own_news() -> None:
    """One bus, with events of this source; one topic, if there is one."""
    policies = resources(main(), "AWS::IAM::Policy")
    bus, topic = policies["EventBusPolicy"], policies["NotificationTopicPolicy"]
    (put,), (publish,) = (each["PolicyDocument"]["Statement"] for each in (bus, topic))
    assert (put["Action"], publish["Action"]) == ("events:PutEvents", "sns:Publish")
    assert put["Resource"]["Fn::Sub"].endswith(":${AWS::AccountId}:event-bus/${EventBusName}")
    assert put["Condition"] == {"StringEquals": {"events:source": SOURCE}}
    assert publish["Resource"] == {"Ref": "NotificationTopicArn"}
    conditions = [main()["Resources"][name]["Condition"] for name in ("EventBusPolicy", "NotificationTopicPolicy")]
    assert conditions == ["HasEventBus", "HasNotificationTopic"]


@BOTH
def test_no_secret_is_written_down(template: Document) -> None:
    """Passwords are made in Secrets Manager or named by ARN; no template holds or takes one."""
    assert not [name for name in template["Parameters"] if re.search(r"password|token", name, re.IGNORECASE)]
