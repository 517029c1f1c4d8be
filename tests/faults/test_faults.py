"""Short versions of what `python -m tests.faults` does at length, on one stack."""

import json
from collections.abc import Iterator

import pytest

from tests.faults import scenarios
from tests.faults.registry_gate import Gate
from tests.faults.system import FaultySystem, faulty_system

pytestmark = [pytest.mark.slow, pytest.mark.timeout(290, func_only=True)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultySystem]:
    """The stack that is broken; every test mends what it broke."""
    with faulty_system(tmp_path_factory.mktemp("faults")) as running:
        yield running
        running.gate.open()


def test_a_function_killed_at_any_point_leaves_one_correct_result(system: FaultySystem) -> None:
    """Before and after calls, and at any time; the long version has 200 points."""
    assert scenarios.kill_points(system, points=4, seed=1)


def test_many_duplicates_in_any_order_while_functions_are_killed_lose_and_double_nothing(system: FaultySystem) -> None:
    """The long version has 500 events for 100 videos."""
    assert scenarios.storm(system, events=20, videos=5)
    assert system.lottery.killed >= 1


def test_a_registry_that_is_down_or_comes_back_changes_no_result(system: FaultySystem) -> None:
    """Warm and cold; the results say that the last good version measured."""
    assert scenarios.registry_outage(system, states=(Gate.SHUT,))


def test_a_call_that_aws_throttles_or_loses_is_made_again(system: FaultySystem) -> None:
    """By the client, and where it gives up, by the queue."""
    assert scenarios.aws_failures(system, names=("s3:PutObject",))


def test_a_function_out_of_time_says_so_and_the_next_attempt_measures_the_video(system: FaultySystem) -> None:
    """It ends itself before Lambda would."""
    assert scenarios.time_limit(system, for_good=False)


def test_a_dead_letter_is_sent_back_and_a_backfill_measures_only_what_is_missing(system: FaultySystem) -> None:
    """With the commands of an operator, who knows the stack's name."""
    system.forget()
    system.drop("operated/kept.mp4", scenarios.VIDEO)
    system.settle(scenarios.SETTLE_SECONDS)
    with scenarios.quiet_bucket(system):
        stored = system.drop("operated/lost.mp4", scenarios.VIDEO)
    system.sqs.send_message(
        QueueUrl=system.dead_letters, MessageBody=system.event("operated/kept.mp4", stored | {"versionId": "older"})
    )
    assert json.loads(system.command("redrive", "--dry-run", "--json")) == {"dead_letters": 1, "sent": 0}
    assert system.command("redrive") == "1 dead letters were sent back."
    answer = json.loads(system.command("backfill", "--prefix", "operated/", "--after", "operated/kept.mp4", "--json"))
    assert (answer["videos"], answer["sent"]) == (1, 1)
    assert json.loads(system.command("backfill", "--prefix", "operated/", "--json"))["sent"] == 2
    system.settle(scenarios.SETTLE_SECONDS)
    assert system.verify() == 2
