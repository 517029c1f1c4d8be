"""What is kept is encrypted, private, versioned, and outlives the stack that made it."""

import pytest

from screen_time.partials import PREFIX
from tests.template.cloudformation import Document, main, policies, registry, resources

BOTH = pytest.mark.parametrize("template", [main(), registry()], ids=["main", "registry"])


def buckets(template: Document) -> dict[str, Document]:
    found = resources(template, "AWS::S3::Bucket")
    assert found
    return found


@BOTH
def test_every_bucket_is_encrypted(template: Document) -> None:
    """No object is ever stored in the clear."""
    for bucket in buckets(template).values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")


@BOTH
def test_every_bucket_is_private(template: Document) -> None:
    """No policy and no access list can open a bucket to the public or to another account's objects."""
    for bucket in buckets(template).values():
        block = bucket["PublicAccessBlockConfiguration"]
        assert all(
            block[each] is True
            for each in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        )
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@BOTH
def test_every_bucket_is_versioned_and_cleans_up(template: Document) -> None:
    """An overwritten object can be had back for a while; parts of broken uploads do not pile up."""
    for bucket in buckets(template).values():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        rules = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
        assert any("NoncurrentVersionExpiration" in rule for rule in rules)


@BOTH
def test_every_bucket_refuses_plain_http(template: Document) -> None:
    """A request without TLS is denied on the bucket and on its objects."""
    documents = policies(template, "AWS::S3::BucketPolicy", "Bucket")
    for name in buckets(template):
        (statement,) = (each for each in documents[name]["Statement"] if each["Effect"] == "Deny")
        assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


@BOTH
def test_what_holds_data_outlives_the_stack(template: Document) -> None:
    """Deleting the stack, or replacing a resource, deletes no video, result, model or record of runs."""
    for resource in template["Resources"].values():
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::RDS::DBInstance"):
            assert resource["DeletionPolicy"] in ("Retain", "Snapshot")
            assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"]


def test_bucket_names_fit_everywhere() -> None:
    """The longest stage and the longest region still give names of at most 63 characters."""
    for bucket in buckets(main()).values():
        name = bucket["BucketName"]["Fn::Sub"]
        name = name.replace("${Stage}", "s" * 12).replace("${AWS::AccountId}", "1" * 12)
        assert len(name.replace("${AWS::Region}", "ap-northeast-1")) <= 63


def test_any_object_dropped_is_announced() -> None:
    """No filter on names: whether something is a video, its bytes decide."""
    notification = resources(main(), "AWS::S3::Bucket")["VideosBucket"]["NotificationConfiguration"]
    assert notification == {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}]
    }


def test_videos_and_results_stay_unless_asked_to_expire() -> None:
    """With the defaults nothing that is current expires."""
    for name, condition in (("VideosBucket", "VideosExpire"), ("ResultsBucket", "ResultsExpire")):
        rules = resources(main(), "AWS::S3::Bucket")[name]["LifecycleConfiguration"]["Rules"]
        (expiry,) = (rule for rule in rules if "ExpirationInDays" in rule and "Prefix" not in rule)
        assert expiry["Status"] == {"Fn::If": [condition, "Enabled", "Disabled"]}
        (parameter,) = (each["Ref"] for each in _references(main()["Conditions"][condition]))
        assert main()["Parameters"][parameter]["Default"] == 0


def test_partials_expire_where_they_are_written() -> None:
    """What an execution that was stopped leaves behind is gone in days, and nothing else with it."""
    rules = resources(main(), "AWS::S3::Bucket")["ResultsBucket"]["LifecycleConfiguration"]["Rules"]
    (expiry,) = (rule for rule in rules if "Prefix" in rule)
    assert (expiry["Prefix"], expiry["Status"]) == (f"{PREFIX}/", "Enabled")
    assert (expiry["ExpirationInDays"], expiry["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (2, 1)


def _references(condition: Document) -> list[Document]:
    (equals,) = condition["Fn::Not"]
    return [each for each in equals["Fn::Equals"] if isinstance(each, dict)]


def test_idempotency_table_is_what_powertools_expects() -> None:
    """Key and expiry bear Powertools' default names; records are encrypted and can be restored."""
    (table,) = resources(main(), "AWS::DynamoDB::Table").values()
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
