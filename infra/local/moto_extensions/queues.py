"""moto's queues lose and duplicate messages when several requests reach them at once, and deliver to functions."""

import functools

from moto.awslambda.models import LambdaBackend
from moto.sqs.models import Queue, SQSBackend, sqs_backends

from infra.local.moto_extensions.creation import Moto, Properties

_delete_message = Queue.delete_message
_receive_message = SQSBackend.receive_message
_create_event_source_mapping = LambdaBackend.create_event_source_mapping


def install() -> None:
    """Make each change of a queue whole, and leave its delivery to a poller."""
    Queue.delete_message = _delete_message_whole
    SQSBackend.receive_message = _receive_message_whole
    LambdaBackend.create_event_source_mapping = _create_mapping_that_is_polled


@functools.wraps(_delete_message)
def _delete_message_whole(self: Moto, receipt_handle: str) -> None:
    """Otherwise the list is replaced by a copy without the message, and what arrived meanwhile is gone."""
    with self._messages_lock:
        _delete_message(self, receipt_handle)


@functools.wraps(_receive_message)
def _receive_message_whole(self: Moto, queue_name: str, *arguments: object, **more: object) -> Moto:
    """Two receivers could find the same message visible. Waiting for messages releases the lock."""
    with self.get_queue(queue_name)._messages_lock:  # noqa: SLF001 (the lock that moto takes for sending)
        return _receive_message(self, queue_name, *arguments, **more)


@functools.wraps(_create_event_source_mapping)
def _create_mapping_that_is_polled(self: Moto, spec: Properties) -> Moto:
    """Otherwise moto delivers each message in the call that sends it, and deletes it whatever the function reports."""
    mapping = _create_event_source_mapping(self, spec)
    for queue in sqs_backends[self.account_id][self.region_name].queues.values():
        queue.lambda_event_source_mappings.pop(mapping.function_arn, None)
    return mapping
