"""Nothing is lost: a failed event comes back, then waits where somebody is told of it."""

from tests.template.cloudformation import main, policies, resources


def queues() -> dict[str, dict[str, object]]:
    return resources(main(), "AWS::SQS::Queue")


def default(name: str) -> int:
    return int(main()["Parameters"][name]["Default"])


def test_every_queue_is_encrypted_and_keeps_messages_for_two_weeks() -> None:
    """As long as SQS keeps anything."""
    assert set(queues()) == {"Queue", "DeadLetterQueue"}
    for queue in queues().values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_queue_refuses_plain_http() -> None:
    """A request without TLS is denied."""
    documents = policies(main(), "AWS::SQS::QueuePolicy", "Queues")
    for name in queues():
        (statement,) = (each for each in documents[name]["Statement"] if each["Effect"] == "Deny")
        assert (statement["Principal"], statement["Action"]) == ("*", "sqs:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_this_accounts_videos_bucket_may_send() -> None:
    """S3 acts for everybody: without both conditions anybody's bucket could fill the queue."""
    document = policies(main(), "AWS::SQS::QueuePolicy", "Queues")["Queue"]
    (statement,) = (each for each in document["Statement"] if each["Effect"] == "Allow")
    bucket = resources(main(), "AWS::S3::Bucket")["VideosBucket"]["BucketName"]["Fn::Sub"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{bucket}"}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }


def test_failed_events_come_back_five_times() -> None:
    """AWS advises at least five, so that throttling alone never makes a dead letter."""
    assert queues()["Queue"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
        "maxReceiveCount": {"Ref": "MaxAttempts"},
    }
    assert default("MaxAttempts") == 5


def test_visibility_timeout_is_six_times_the_functions() -> None:
    """AWS's advice: no second attempt starts while the first may still run."""
    assert queues()["Queue"]["VisibilityTimeout"] == {"Ref": "VisibilityTimeout"}
    assert default("VisibilityTimeout") == 6 * default("FunctionTimeout")


def test_event_source_takes_one_video_at_a_time_and_reports_failures() -> None:
    """One video may take the whole time-out; a failed one is named, not thrown."""
    (mapping,) = resources(main(), "AWS::Lambda::EventSourceMapping").values()
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}}
    assert main()["Parameters"]["MaximumConcurrency"]["MinValue"] == 2
