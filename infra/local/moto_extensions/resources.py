"""Types of resources that moto's CloudFormation skips although its services have them."""

import json
from typing import ClassVar, Self

import moto.cloudformation.parsing as original
from moto.core.common_models import CloudFormationModel

from infra.local.moto_extensions.creation import Properties, client


class _Created:
    """A resource that exists in a service of moto's; CloudFormation only remembers its physical id."""

    type: ClassVar[str]
    name_property: ClassVar[str] = ""

    def __init__(self, physical_resource_id: str) -> None:
        self.physical_resource_id = physical_resource_id

    @classmethod
    def create(cls, name: str, properties: Properties) -> str:
        """Create it through its service's API and return its physical id."""
        raise NotImplementedError

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.type

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.name_property

    @classmethod
    def create_from_cloudformation_json(
        cls, name: str, cloudformation_json: Properties, *_place: str, **_more: str
    ) -> Self:
        return cls(cls.create(name, cloudformation_json["Properties"]))

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, _attribute_name: str) -> str:
        return self.physical_resource_id


# CloudFormation finds its models among the direct subclasses of CloudFormationModel.


class QueuePolicy(_Created, CloudFormationModel):  # type: ignore[misc]
    """Who may send to a queue."""

    type = "AWS::SQS::QueuePolicy"

    @classmethod
    def create(cls, name: str, properties: Properties) -> str:
        """Set the policy of each of the queues."""
        for url in properties["Queues"]:
            policy = json.dumps(properties["PolicyDocument"])
            client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return name


class BucketPolicy(_Created, CloudFormationModel):  # type: ignore[misc]
    """Who may use a bucket, and how."""

    type = "AWS::S3::BucketPolicy"

    @classmethod
    def create(cls, name: str, properties: Properties) -> str:
        """Set the bucket's policy; one without statements, which S3 refuses, sets none."""
        if properties["PolicyDocument"]["Statement"]:
            policy = json.dumps(properties["PolicyDocument"])
            client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
        return name


class Alarm(_Created, CloudFormationModel):  # type: ignore[misc]
    """What rings; moto keeps alarms and never evaluates them."""

    type = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"

    @classmethod
    def create(cls, name: str, properties: Properties) -> str:
        """Put the alarm; its properties are the API's own."""
        client("cloudwatch").put_metric_alarm(**{**properties, "AlarmName": name})
        return name


class Subscription(_Created, CloudFormationModel):  # type: ignore[misc]
    """Who is told of what a topic gets; moto sends no mail."""

    type = "AWS::SNS::Subscription"

    @classmethod
    def create(cls, name: str, properties: Properties) -> str:  # noqa: ARG003
        """Subscribe; SNS gives the id."""
        response = client("sns").subscribe(**properties, ReturnSubscriptionArn=True)
        return str(response["SubscriptionArn"])


def install() -> None:
    """Let CloudFormation see the models above, whose list it may have made already."""
    for cached in (original.get_model_list, original.get_model_map, original.get_name_type_map):
        cached.cache_clear()


def supported() -> frozenset[str]:
    """Every type of resource that CloudFormation creates here; it would skip any other with a warning."""
    return frozenset((*original.get_model_map(), *original.NULL_MODELS))
