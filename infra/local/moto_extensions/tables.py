"""moto creates a table without its time to live and its backups, and lets conditional writes overtake each other."""

import functools
import threading
from collections.abc import Callable

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from infra.local.moto_extensions.creation import Moto, Properties, client, complete

WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")

_writing = threading.RLock()


def install() -> None:
    """Apply a table's TimeToLiveSpecification and PointInTimeRecoverySpecification; make writes atomic."""
    complete(Table, _apply)
    for name in WRITES:
        setattr(DynamoDBBackend, name, _one_at_a_time(getattr(DynamoDBBackend, name)))


def _apply(table: Moto, properties: Properties) -> None:
    if time_to_live := properties.get("TimeToLiveSpecification"):
        client("dynamodb").update_time_to_live(TableName=table.name, TimeToLiveSpecification=time_to_live)
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        client("dynamodb").update_continuous_backups(TableName=table.name, PointInTimeRecoverySpecification=recovery)


def _one_at_a_time(write: Callable[..., object]) -> Callable[..., object]:
    """In moto, a thread checks a write's condition and then writes; of two both may find it met."""

    @functools.wraps(write)
    def whole(*arguments: object, **more: object) -> object:
        with _writing:
            return write(*arguments, **more)

    return whole
