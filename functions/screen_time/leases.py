"""What is being measured is leased, not owned: what a killed function leaves behind is free again within a minute.

A function that is killed tells nobody. Its message would stay hidden for the queue's whole visibility time-out, and its
idempotency record would count as in progress until its time was over. So both are held for a short time only, and held
anew while the work goes on.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.aws_clients import CLIENT_CONFIG
from screen_time.observability import logger

RENEWALS = 3
"""How often a lease is renewed before it would end: all but one may fail."""

Beat = Callable[[], None]


class LeasedRecords(DynamoDBPersistenceLayer):
    """Powertools' idempotency records in DynamoDB, in progress for `lease_seconds` unless they are renewed.

    What is done is let go of: the results bucket tells what was measured, for as long as the result stands there, and
    a second memory of that would only differ from it (after a rollback, or where somebody deleted a result). Holds one
    record at a time, as a Lambda process works on one message at a time.
    """

    def __init__(self, table_name: str, lease_seconds: float) -> None:
        super().__init__(table_name=table_name, boto_config=CLIENT_CONFIG)
        self._lease_seconds = lease_seconds
        self._held: str | None = None

    def renew(self) -> None:
        """Hold the record in progress, if there is one, for another lease."""
        if self._held is None:
            return
        self.client.update_item(
            TableName=self.table_name,
            Key={self.key_attr: {"S": self._held}},
            UpdateExpression="SET #in_progress_expiry = :end",
            ConditionExpression="#status = :in_progress",
            ExpressionAttributeNames={"#in_progress_expiry": self.in_progress_expiry_attr, "#status": self.status_attr},
            ExpressionAttributeValues={
                ":end": {"N": str(self._end_of_lease_ms())},
                ":in_progress": {"S": STATUS_CONSTANTS["INPROGRESS"]},
            },
        )

    def _put_record(self, data_record: DataRecord) -> None:
        data_record.in_progress_expiry_timestamp = self._end_of_lease_ms()
        super()._put_record(data_record)
        self._held = data_record.idempotency_key

    def _update_record(self, data_record: DataRecord) -> None:
        self._delete_record(data_record)

    def _delete_record(self, data_record: DataRecord) -> None:
        self._held = None
        super()._delete_record(data_record)

    def _end_of_lease_ms(self) -> int:
        return int((time.time() + self._lease_seconds) * 1000)


def message_lease_seconds(lease_seconds: float) -> int:
    """How long a message is hidden at a time: longer than its record, so that the next attempt finds the way free."""
    return math.ceil(lease_seconds * 4 / 3)


@contextmanager
def renewed(lease_seconds: float, *beats: Beat) -> Iterator[None]:
    """Call every one of `beats` at once and then RENEWALS times a lease, in a thread, until the body is left."""
    ended = threading.Event()
    arguments = (beats, lease_seconds / RENEWALS, ended)
    thread = threading.Thread(target=_beat, args=arguments, name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(beats: tuple[Beat, ...], seconds: float, ended: threading.Event) -> None:
    while True:
        for beat in beats:
            try:
                beat()
            except (ClientError, BotoCoreError) as error:
                logger.warning("a lease could not be renewed", reason=str(error))
        if ended.wait(seconds):
            return
