"""Somebody is told, and can see: alarms act, and what alarms and dashboard show, the function really counts."""

import json
import re
from typing import Any

from screen_time.observability import NAMESPACE
from tests.template.cloudformation import ROOT, main, resources


def alarms() -> dict[str, dict[str, Any]]:
    return resources(main(), "AWS::CloudWatch::Alarm")


def counted() -> set[str]:
    """Names of the metrics that the function's code emits."""
    sources = (ROOT / "functions" / "screen_time").glob("*.py")
    calls = (re.findall(r'\b(?:count|duration|share|percent)\("(\w+)"', source.read_text()) for source in sources)
    return {name for names in calls for name in names}


def dashboard_metrics() -> list[list[Any]]:
    (dashboard,) = resources(main(), "AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    everything = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    return [metric for metric in everything if isinstance(metric[0], str)]


def dashboard_searches() -> list[str]:
    """Searches for metrics that have a dimension beside `service`: one line in a widget for each of its values."""
    (dashboard,) = resources(main(), "AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    everything = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    return [metric[0]["expression"] for metric in everything if isinstance(metric[0], dict)]


def test_every_alarm_tells_somebody() -> None:
    """Each rings at the topic, and silence of a metric is no alarm."""
    assert len(alarms()) == 12
    for alarm in alarms().values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_what_can_go_wrong_has_an_alarm() -> None:
    """Dead letters, crashes, throttling, delay, long videos, models, the registry, time, refusals, drift, news."""
    assert {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms().values()} == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/States", "ExecutionsFailed"),
        ("AWS/States", "ExecutionsTimedOut"),
        ("ScreenTime", "ModelRefused"),
        ("ScreenTime", "RegistryUnavailable"),
        ("ScreenTime", "AnnouncementsFailed"),
        ("ScreenTime", "OutOfTime"),
        ("ScreenTime", "VideosRefused"),
        ("ScreenTime", "Confidence"),
    }


def test_topic_is_encrypted_with_a_key_that_alarms_may_use() -> None:
    """Under AWS's own key for SNS an alarm's message would be dropped without a word."""
    (topic,) = resources(main(), "AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == {"Ref": "AlarmKey"}
    (key,) = resources(main(), "AWS::KMS::Key").values()
    (grant,) = (each for each in key["KeyPolicy"]["Statement"] if "Service" in each["Principal"])
    assert grant["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(grant["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert key["EnableKeyRotation"] is True


def test_metrics_watched_are_metrics_counted() -> None:
    """An alarm on a name that nobody emits would never ring."""
    watched = {alarm["MetricName"] for alarm in alarms().values() if alarm["Namespace"] == "ScreenTime"}
    shown = {metric[1] for metric in dashboard_metrics() if metric[0] == "ScreenTime"}
    assert watched | shown <= counted()
    assert shown >= {"VideosMeasured", "VideosRefused", "SamplesClassified", "VideoSeconds"}
    assert shown >= {f"Shadow{each}" for each in ("Measured", "Failed", "DisagreementPercent")}


def test_metrics_are_looked_up_where_the_function_puts_them() -> None:
    """The namespace is the code's; the dimension `service` comes from the function's environment."""
    functions = resources(main(), "AWS::Lambda::Function").values()
    service, other = (each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for each in functions)
    assert service == other
    assert NAMESPACE == "ScreenTime"
    for alarm in alarms().values():
        if alarm["Namespace"] == "ScreenTime":
            assert alarm["Dimensions"] == [{"Name": "service", "Value": service}]
    for metric in dashboard_metrics():
        if metric[0] == "ScreenTime":
            assert metric[2:4] == ["service", service["Fn::Sub"]]


def test_dashboard_shows_function_and_queues() -> None:
    """What an operator looks at first is on one page."""
    shown = {metric[1] for metric in dashboard_metrics()}
    assert shown >= {"Invocations", "Errors", "Duration", "Throttles"}
    assert shown >= {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}
    assert any("${DeadLetterQueue.QueueName}" in metric for metric in dashboard_metrics())


def test_searches_find_what_the_function_emits_with_a_dimension_of_its_own() -> None:
    """By the names of metric and dimension, as the code has them."""
    sources = "".join(source.read_text() for source in (ROOT / "functions" / "screen_time").glob("*.py"))
    found = {}
    for search in dashboard_searches():
        match = re.match(r"SEARCH\('\{ScreenTime,service,(\w+)\} service=\"screen-time-\$\{Stage\}\" (\w+)', ", search)
        assert match, search
        found[match[2]] = match[1]
    assert found == {
        "AttemptsFailed": "error",
        "VideosRefusedByCode": "code",
        "LabelShare": "label",
        "VideosByModelVersion": "model_version",
    }
    for metric, dimension in found.items():
        assert re.search(rf'\("{metric}"[^)]*\b{dimension}=', sources), metric


def test_operations_page_explains_every_alarm() -> None:
    """What it means and what to do, by its name in the template."""
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in alarms() if f"| {name} |" not in page] == []
