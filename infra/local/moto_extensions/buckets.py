"""moto creates a bucket and sets its encryption and tags, and ignores its other properties without a word."""

from moto.s3.models import FakeBucket

from infra.local.errors import LocalStackError
from infra.local.moto_extensions.creation import Moto, Properties, client, complete

TARGETS = {
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
}
"""A notification's kind in CloudFormation → its kind, and its target's name in CloudFormation and in S3's API."""

SAME_IN_BOTH = ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
"""Lifecycle actions that CloudFormation and S3's API write alike."""

EXPIRATIONS = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
"""Lifecycle actions of CloudFormation → their names inside the API's `Expiration`."""


def install() -> None:
    """Apply a bucket's versioning, ownership, access block, lifecycle and notifications."""
    complete(FakeBucket, _apply)


def _apply(bucket: Moto, properties: Properties) -> None:
    s3, name = client("s3"), bucket.name
    if block := properties.get("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if ownership := properties.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=ownership)
    if versioning := properties.get("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if notifications := properties.get("NotificationConfiguration"):
        configuration = notification_configuration(notifications)
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)


def lifecycle_rule(rule: Properties) -> Properties:
    """A lifecycle rule of CloudFormation as S3's API takes it; raises LocalStackError for what is not known here."""
    unknown = rule.keys() - {"Id", "Status", "Prefix", *SAME_IN_BOTH, *EXPIRATIONS}
    if unknown:
        raise LocalStackError(f"the local stack does not know the lifecycle properties {sorted(unknown)}")
    result = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    result |= {name: rule[name] for name in SAME_IN_BOTH if name in rule}
    expiration = {theirs: rule[ours] for ours, theirs in EXPIRATIONS.items() if ours in rule}
    return result | ({"Expiration": expiration} if expiration else {})


def notification_configuration(properties: Properties) -> Properties:
    """A bucket's notifications in CloudFormation as S3's API takes them."""
    result: Properties = {}
    for kind, (api_kind, target, api_target) in TARGETS.items():
        for entry in properties.get(kind, []):
            notification = {api_target: entry[target], "Events": [entry["Event"]], **_filter(entry)}
            result.setdefault(api_kind, []).append(notification)
    if properties.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
        result["EventBridgeConfiguration"] = {}
    return result


def _filter(entry: Properties) -> Properties:
    if "Filter" not in entry:
        return {}
    return {"Filter": {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}}}
