"""Contracts with moto: one for each patch, through AWS calls, so that another version of moto cannot undo one."""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.exceptions import ConditionalCheckFailed

from infra.local.aws import Client
from infra.local.deployment import Deployment, deploy
from infra.local.errors import LocalStackError
from infra.local.function import FunctionConfiguration, Invocation
from infra.local.moto_extensions import buckets, functions

Clients = Callable[[str], Client]

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Seconds": {"Type": "Number", "Default": 5}},
    "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
    "Resources": {
        "Videos": {
            "Type": "AWS::S3::Bucket",
            "DependsOn": "Policy",
            "Properties": {
                "BucketName": "contract-videos",
                "VersioningConfiguration": {"Status": "Enabled"},
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": False,
                },
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Id": "old", "Status": "Enabled", "ExpirationInDays": 9, "Prefix": "incoming/"},
                        {
                            "Id": "parts",
                            "Status": "Disabled",
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        },
                    ]
                },
                "NotificationConfiguration": {
                    "QueueConfigurations": [
                        {
                            "Event": "s3:ObjectCreated:*",
                            "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                            "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}},
                        }
                    ]
                },
            },
        },
        "VideosPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Videos"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": "*",
                            "Action": "s3:GetObject",
                            "Resource": "arn:aws:s3:::contract-videos/*",
                        }
                    ],
                },
            },
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": "contract", "VisibilityTimeout": {"Ref": "Seconds"}},
        },
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    ],
                },
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "contract",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expiration", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "a@example.org"},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "contract",
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}],
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": "contract", "DashboardBody": {"Fn::Sub": '{"q": "${Queue.QueueName}"}'}},
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "contract", "RetentionInDays": 30}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "contract",
                "PackageType": "Image",
                "Code": {"ImageUri": "local/image:1"},
                "ImageConfig": {"Command": ["small.echo"]},
                "Architectures": ["arm64"],
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "MemorySize": 300,
                "Timeout": 7,
                "EphemeralStorage": {"Size": 2048},
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": {"Ref": "Logs"}},
                "Environment": {"Variables": {"SECONDS": {"Ref": "Seconds"}}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 3,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
        "Nothing": {"Type": "AWS::SNS::Topic", "Condition": "Never"},
    },
    "Outputs": {"Bucket": {"Value": {"Ref": "Videos"}}, "Queue": {"Value": {"Ref": "Queue"}}},
}


@pytest.fixture(scope="module")
def deployment(client: Clients) -> Deployment:
    """Every type and property that is patched, created through CloudFormation."""
    return deploy(client("cloudformation"), "contract", TEMPLATE, {})


@pytest.fixture
def queue(deployment: Deployment, client: Clients) -> str:
    """The URL of the queue that the bucket notifies, emptied."""
    url = deployment.outputs["Queue"]
    while taken(client("sqs"), url):
        pass
    return url


@pytest.fixture
def served(deployment: Deployment, client: Clients) -> Iterator[list[tuple[FunctionConfiguration, bytes]]]:
    """Invocations of the function, which answers `{"ok": true}` and fails where the event is `"fail"`."""
    seen: list[tuple[FunctionConfiguration, bytes]] = []

    def invoke(configuration: FunctionConfiguration, event: bytes) -> Invocation:
        seen.append((configuration, event))
        return Invocation("id", b'{"ok": true}', failed=event == b'"fail"', log="one\ntwo")

    arn = client("lambda").get_function_configuration(FunctionName="contract")["FunctionArn"]
    functions.serve(arn, invoke)
    yield seen
    functions.withdraw(arn)


def taken(sqs: Client, queue: str) -> list[str]:
    """The bodies of up to ten messages, which leave the queue."""
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [str(message["Body"]) for message in messages]


def received(sqs: Client, queue: str) -> list[dict[str, Any]]:
    """The S3 records that wait in a queue."""
    return [record for body in taken(sqs, queue) for record in json.loads(body)["Records"]]


# ---- CloudFormation


def test_outputs_and_resources_are_those_of_the_template(deployment: Deployment) -> None:
    """Conditions that are not met leave a resource out; everything else exists."""
    assert deployment.outputs["Bucket"] == "contract-videos"
    assert len(deployment.resources) == len(TEMPLATE["Resources"]) - 1
    assert deployment.of_type("AWS::Lambda::Function") == ["contract"]


def test_unknown_type_is_refused(client: Clients) -> None:
    """What moto would leave out with a warning stops the stack."""
    template = {"Resources": {"Door": {"Type": "AWS::Doors::Door"}}}
    with pytest.raises(LocalStackError, match="AWS::Doors::Door"):
        deploy(client("cloudformation"), "doors", template, {})


def test_unknown_parameter_is_refused(client: Clients) -> None:
    """A misspelt override does not pass silently."""
    with pytest.raises(LocalStackError, match="Colour"):
        deploy(client("cloudformation"), "colours", TEMPLATE, {"Colour": "blue"})


# ---- buckets


@pytest.mark.usefixtures("deployment")
def test_bucket_has_what_the_template_gives_it(client: Clients) -> None:
    """Versioning, ownership, access block, encryption, lifecycle and policy."""
    s3, bucket = client("s3"), {"Bucket": "contract-videos"}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    ownership = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    block = s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    assert block["BlockPublicAcls"] is True
    assert block["RestrictPublicBuckets"] is False
    encryption = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"][0]["Action"] == "s3:GetObject"


@pytest.mark.usefixtures("deployment")
def test_bucket_has_the_templates_lifecycle(client: Clients) -> None:
    """Each rule with its action, prefix and state."""
    rules = client("s3").get_bucket_lifecycle_configuration(Bucket="contract-videos")["Rules"]
    old, parts = sorted(rules, key=lambda rule: str(rule["ID"]))
    assert (old["Status"], old["Filter"]["Prefix"], old["Expiration"]["Days"]) == ("Enabled", "incoming/", 9)
    assert parts["Status"] == "Disabled"
    assert parts["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert parts["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30


def test_lifecycle_property_that_is_not_known_is_refused() -> None:
    """A rule that would be dropped says so."""
    with pytest.raises(LocalStackError, match="Transitions"):
        buckets.lifecycle_rule({"Id": "cold", "Status": "Enabled", "Transitions": []})


# ---- events


def test_new_object_is_announced_as_s3_does(queue: str, client: Clients) -> None:
    """Key escaped once with `/` kept, version, sequence, identities."""
    key = "incoming/ep 1 (Ü+).mp4"
    put = client("s3").put_object(Bucket="contract-videos", Key=key, Body=b"12345")
    (record,) = received(client("sqs"), queue)
    assert record["eventName"] == "ObjectCreated:Put"
    described = record["s3"]["object"]
    assert described["key"] == "incoming/ep+1+%28%C3%9C%2B%29.mp4"
    assert unquote_plus(described["key"]) == key
    assert described["versionId"] == put["VersionId"]
    assert described["size"] == 5
    assert described["eTag"] == put["ETag"].strip('"')
    assert record["userIdentity"]["principalId"]
    assert record["requestParameters"]["sourceIPAddress"]
    assert record["responseElements"]["x-amz-request-id"]
    assert record["s3"]["bucket"]["ownerIdentity"]["principalId"]


def test_sequencer_orders_the_events_of_a_key(queue: str, client: Clients) -> None:
    """Later versions have larger sequencers, compared as text of one length."""
    versions = [
        client("s3").put_object(Bucket="contract-videos", Key="incoming/again", Body=bytes([n]))["VersionId"]
        for n in range(5)
    ]
    objects = [record["s3"]["object"] for record in received(client("sqs"), queue)]
    ordered = sorted(objects, key=lambda each: str(each["sequencer"]))
    assert [each["versionId"] for each in ordered] == versions
    assert len({len(each["sequencer"]) for each in objects}) == 1


def test_multipart_upload_is_one_event(queue: str, client: Clients) -> None:
    """Completing an upload announces the object once, as what it is."""
    s3, target = client("s3"), {"Bucket": "contract-videos", "Key": "incoming/parts.mp4"}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    part = s3.upload_part(**target, UploadId=upload, PartNumber=1, Body=b"x" * 10)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=parts)
    (record,) = received(client("sqs"), queue)
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"


def test_filter_keeps_other_keys_quiet(queue: str, client: Clients) -> None:
    """The template's prefix filter reaches the bucket."""
    client("s3").put_object(Bucket="contract-videos", Key="elsewhere/ep1.mp4", Body=b"")
    assert received(client("sqs"), queue) == []


# ---- queues


@pytest.mark.usefixtures("deployment", "hurried_threads")
@pytest.mark.parametrize("condition", [{"IfNoneMatch": "*"}, {"IfMatch": "seen"}])
def test_of_conditional_writes_of_an_object_at_the_same_time_one_wins(
    client: Clients, condition: dict[str, str]
) -> None:
    """Exactly one result rests on this."""
    s3 = client("s3")

    def won(number: int, key: str, seen: str) -> bool:
        given = {name: value if value == "*" else seen for name, value in condition.items()}
        try:
            s3.put_object(Bucket="contract-videos", Key=key, Body=str(number).encode(), **given)
        except ClientError:
            return False
        return True

    for key in (f"conditional/{number}" for number in range(12)):
        seen = "" if "IfNoneMatch" in condition else s3.put_object(Bucket="contract-videos", Key=key)["ETag"]
        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(lambda number, key=key, seen=seen: won(number, key, seen), range(4))) == 1


def test_object_that_has_changed_is_not_deleted(deployment: Deployment, client: Clients) -> None:
    """A delete's condition is checked too."""
    s3 = client("s3")
    seen = s3.put_object(Bucket="contract-videos", Key="deleted", Body=b"old")["ETag"]
    s3.put_object(Bucket="contract-videos", Key="deleted", Body=b"new")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.delete_object(Bucket="contract-videos", Key="deleted", IfMatch=seen)
    assert s3.get_object(Bucket="contract-videos", Key="deleted")["Body"].read() == b"new"


def test_queue_has_its_policy_and_its_parameters(queue: str, client: Clients) -> None:
    """The queue policy, and a number that came through a parameter."""
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["Policy"])["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}
    assert attributes["VisibilityTimeout"] == "5"


def test_moto_leaves_messages_to_the_poller(
    queue: str, client: Clients, served: list[tuple[FunctionConfiguration, bytes]]
) -> None:
    """A sent message waits: the event source mapping does not invoke anything by itself."""
    client("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    assert served == []
    assert taken(client("sqs"), queue) == ["{}"]


def test_mapping_keeps_the_templates_settings(deployment: Deployment, client: Clients) -> None:
    """What the poller goes by."""
    (mapping_id,) = deployment.of_type("AWS::Lambda::EventSourceMapping")
    mapping = client("lambda").get_event_source_mapping(UUID=mapping_id)
    assert mapping["BatchSize"] == 3
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads that take turns so often that what is not locked breaks."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried_threads", "endpoint")
def test_no_message_is_handed_out_twice_or_comes_back() -> None:
    """Receivers and deleters that work at the same time see every message once."""
    from moto.sqs.models import sqs_backends

    backend = sqs_backends["123456789012"]["us-east-1"]

    def take(name: str) -> list[str]:
        bodies = []
        for _ in range(10):
            for message in backend.receive_message(name, 10, 0, 300):
                bodies.append(message.body)
                backend.delete_message(name, message.receipt_handle)
        return bodies

    with ThreadPoolExecutor(3) as threads:
        for name in ("busy-1", "busy-2", "busy-3", "busy-4", "busy-5"):
            backend.create_queue(name)
            for number in range(60):
                backend.send_message(name, str(number))
            bodies = [body for taken in threads.map(take, [name] * 3) for body in taken]
            assert sorted(bodies, key=int) == [str(number) for number in range(60)]
            assert backend.get_queue(name).approximate_number_of_messages == 0


# ---- tables


@pytest.mark.usefixtures("deployment")
def test_table_expires_and_is_backed_up(client: Clients) -> None:
    """Time to live and point-in-time recovery."""
    ttl = client("dynamodb").describe_time_to_live(TableName="contract")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
    backups = client("dynamodb").describe_continuous_backups(TableName="contract")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.usefixtures("deployment", "hurried_threads")
def test_of_conditional_writes_at_the_same_time_one_wins() -> None:
    """Idempotency rests on this: a condition that a write ends is met once."""
    from moto.dynamodb.models import dynamodb_backends

    backend = dynamodb_backends["123456789012"]["us-east-1"]

    def won(key: str) -> bool:
        try:
            backend.put_item("contract", {"id": {"S": key}}, None, "attribute_not_exists(id)", {}, {})
        except ConditionalCheckFailed:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert [sum(threads.map(won, [key] * 4)) for key in map(str, range(80))] == [1] * 80


# ---- topics, alarms, dashboards, logs


def test_watching_is_set_up(deployment: Deployment, client: Clients) -> None:
    """Alarm, dashboard, subscription and log group have what the template says."""
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=["contract"])["MetricAlarms"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "contract"}]
    assert alarm["AlarmActions"] == deployment.of_type("AWS::SNS::Topic")
    assert json.loads(client("cloudwatch").get_dashboard(DashboardName="contract")["DashboardBody"]) == {
        "q": "contract"
    }
    (subscription,) = client("sns").list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "a@example.org")
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix="contract")["logGroups"]
    assert group["retentionInDays"] == 30


# ---- functions


@pytest.mark.usefixtures("deployment")
def test_image_function_is_what_the_template_says(client: Clients) -> None:
    """Package type, command, architecture, storage and tracing survive; variables are text."""
    function = client("lambda").get_function_configuration(FunctionName="contract")
    assert function["PackageType"] == "Image"
    assert function["ImageConfigResponse"]["ImageConfig"]["Command"] == ["small.echo"]
    assert function["Architectures"] == ["arm64"]
    assert function["EphemeralStorage"] == {"Size": 2048}
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Environment"]["Variables"] == {"SECONDS": "5"}


def test_invocation_reaches_who_serves_the_function(
    client: Clients, served: list[tuple[FunctionConfiguration, bytes]]
) -> None:
    """`aws lambda invoke` runs it with its configuration and returns its result and the tail of its log."""
    answer = client("lambda").invoke(FunctionName="contract", Payload=b'{"a": 1}', LogType="Tail")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"ok": True}
    assert answer["LogResult"] == "b25lCnR3bw=="
    ((configuration, event),) = served
    assert json.loads(event) == {"a": 1}
    assert configuration == FunctionConfiguration(
        name="contract",
        arn="arn:aws:lambda:us-east-1:123456789012:function:contract",
        region="us-east-1",
        handler="small.echo",
        environment={"SECONDS": "5"},
        memory_mebibytes=300,
        timeout_seconds=7,
        log_group="contract",
        log_format="JSON",
    )


@pytest.mark.usefixtures("served")
def test_failed_invocation_is_a_function_error(client: Clients) -> None:
    """A failure is told in Lambda's words, with status 200."""
    answer = client("lambda").invoke(FunctionName="contract", Payload=b'"fail"')
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"


def test_update_of_a_function_takes_effect(client: Clients, served: list[tuple[FunctionConfiguration, bytes]]) -> None:
    """The next invocation has the new configuration."""
    client("lambda").update_function_configuration(FunctionName="contract", MemorySize=400)
    functions.invoke("arn:aws:lambda:us-east-1:123456789012:function:contract", b"{}")
    client("lambda").update_function_configuration(FunctionName="contract", MemorySize=300)
    assert served[0][0].memory_mebibytes == 400
