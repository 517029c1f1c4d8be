"""The Lambda function's entry: what wires events to work, and nothing else."""

import gc

gc.disable()  # nothing of what is imported is garbage, and looking for some was a sixth of the import's time

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from screen_time.aws_clients import CLIENT_CONFIG
from screen_time.champion import Champion
from screen_time.decoder import ChildDecoder
from screen_time.events import Upload, is_sqs, uploads, uploads_of_message
from screen_time.ingest import Ingest
from screen_time.leases import LeasedRecords, message_lease_seconds, renewed
from screen_time.long_videos import LongVideos
from screen_time.model_store import ModelStore
from screen_time.observability import logger, metrics, tell_failed_attempt, tracer
from screen_time.outlets import outlets
from screen_time.pinned_models import PinnedModels
from screen_time.provenance import Identity
from screen_time.queued_message import QueuedMessage
from screen_time.registry import Registry
from screen_time.registry_access import registry
from screen_time.settings import Settings
from screen_time.shadow import Shadow
from screen_time.time_limit import time_limit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

RECORD_KEPT_SECONDS = 24 * 3600
"""When DynamoDB clears away what a killed function has left; long before that its lease is over."""

gc.freeze()
gc.enable()

settings = Settings.from_environment()
decoder = ChildDecoder(settings.decoder, ahead=True)
decoder.prestart()  # it loads its libraries while this process loads its own
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
idempotency = IdempotencyConfig(expires_after_seconds=RECORD_KEPT_SECONDS)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, list[str]]:
    """Measure every video that the event tells of.

    A batch of a queue's messages is answered with the messages that failed; S3's own and EventBridge's events are
    answered with the outcomes, and a failure is raised so that Lambda tries again.
    """
    idempotency.register_lambda_context(context)
    if is_sqs(event):
        return process_partial_response(event, record_handler=_process_message, processor=processor, context=context)
    with renewed(settings.lease_seconds, _leased().renew):
        return {"outcomes": [_process(upload, context) for upload in uploads(event)]}


def _process_message(record: SQSRecord, lambda_context: LambdaContext) -> list[str]:
    logger.append_keys(message_id=record.message_id)
    message = QueuedMessage(_sqs(), settings.queue_url, record, settings.max_attempts)
    hidden_seconds = message_lease_seconds(settings.lease_seconds)
    try:
        with renewed(settings.lease_seconds, lambda: message.hold(hidden_seconds), _leased().renew):
            return [_process(upload, lambda_context) for upload in uploads_of_message(record.body)]
    except Exception as error:
        tell_failed_attempt(error, is_last=message.is_last_attempt)
        message.delay_retry(settings.retry_delay_seconds)
        raise


@tracer.capture_method(capture_response=False)
def _process(upload: Upload, context: LambdaContext) -> str:
    logger.append_keys(video=asdict(upload))
    model = _champion().current()
    if (outcome := _ingest().answered(upload, model)) is not None:
        return outcome

    def measure_once(*, identity: dict[str, Any]) -> str:
        del identity  # only Powertools reads it: it is what makes two events the same
        with time_limit(context.get_remaining_time_in_millis() / 1000):
            return _ingest().process(upload, model, context.aws_request_id)

    once = idempotent_function(
        measure_once,
        data_keyword_argument="identity",
        persistence_store=_leased(),
        config=idempotency,
        key_prefix="ingest",
    )
    return str(once(identity=asdict(Identity.of(upload, model.identity, settings.sample_interval_ms))))


@cache
def _leased() -> LeasedRecords:
    return LeasedRecords(settings.idempotency_table, settings.lease_seconds)


@cache
def _s3() -> "S3Client":
    return boto3.client("s3", config=CLIENT_CONFIG)


@cache
def _sqs() -> "SQSClient":
    return boto3.client("sqs", config=CLIENT_CONFIG)


@cache
def _ingest() -> Ingest:
    return Ingest(_s3(), settings, _long_videos(), outlets(settings.outlets), decoder, _shadow())


def _long_videos() -> LongVideos | None:
    if settings.state_machine_arn is None:
        return None
    return LongVideos(
        boto3.client("stepfunctions", config=CLIENT_CONFIG), settings.state_machine_arn, settings.long_video_seconds
    )


def _shadow() -> Shadow | None:
    if not settings.shadow_share:
        return None
    return Shadow(settings, _registry(), PinnedModels(_models()), decoder)


@cache
def _registry() -> Registry:
    return registry(settings.registry_uri, settings.registry_secret_arn)


def _models() -> ModelStore:
    return ModelStore(_s3(), settings.models_bucket, _registry())


@cache
def _champion() -> Champion:
    return Champion(
        _registry(), _models(), settings.model_name, settings.model_alias, settings.registry_refresh_seconds
    )
