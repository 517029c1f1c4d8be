"""Work in progress holds its record and its message, and lets go of both when it is killed."""

import threading
import time
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import ClientError

from screen_time.leases import LeasedRecords, renewed

SECONDS = 0.6
"""A lease is short here."""

FOR_EVER = 1e6
"""Seconds. What is killed does not wake while other tests run."""


def attempt(records: LeasedRecords, seconds: float = 0) -> str:
    """What the handler does with one video, in another process each time."""

    def work(*, identity: dict[str, Any]) -> str:
        time.sleep(seconds)
        return "measured"

    once = idempotent_function(
        work,
        data_keyword_argument="identity",
        persistence_store=records,
        config=IdempotencyConfig(),
        key_prefix="ingest",
    )
    return str(once(identity={"key": "a.mp4"}))


def test_a_record_is_held_as_long_as_the_work_goes_on(aws: None) -> None:
    """A duplicate finds it in progress long after one lease, and then its result."""
    first, second = LeasedRecords("idempotency", SECONDS), LeasedRecords("idempotency", SECONDS)
    with renewed(SECONDS, first.renew):
        working = threading.Thread(target=attempt, args=(first, 2.0))
        working.start()
        time.sleep(1.4)
        with pytest.raises(IdempotencyAlreadyInProgressError):
            attempt(second)
        working.join()
    assert attempt(second) == "measured"


def test_a_killed_attempt_leaves_the_way_free_after_its_lease(aws: None) -> None:
    """Nobody renews for it."""
    killed, retry = LeasedRecords("idempotency", SECONDS), LeasedRecords("idempotency", SECONDS)
    threading.Thread(target=attempt, args=(killed, FOR_EVER), daemon=True).start()
    time.sleep(0.3)
    with pytest.raises(IdempotencyAlreadyInProgressError):
        attempt(retry)
    time.sleep(0.5)
    assert attempt(retry) == "measured"


def test_a_finished_record_is_not_held_again(aws: None) -> None:
    """A late renewal must not make a result look unfinished."""
    records = LeasedRecords("idempotency", SECONDS)
    assert attempt(records) == "measured"
    records.renew()
    assert attempt(LeasedRecords("idempotency", SECONDS)) == "measured"


def test_a_renewal_that_fails_is_tried_again(aws: None) -> None:
    """One throttled call neither ends the work nor the leases."""
    beats: list[float] = []

    def throttled() -> None:
        beats.append(time.monotonic())
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "ChangeMessageVisibility")

    with renewed(SECONDS, throttled):
        time.sleep(0.7)
    assert len(beats) >= 3
    count = len(beats)
    time.sleep(0.4)
    assert len(beats) == count, "nothing beats after the work has ended"
