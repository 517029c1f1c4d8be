"""The Lambda function's entry: what wires events to work, and nothing else."""

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from screen_time.champion import Champion
from screen_time.decoder import ChildDecoder
from screen_time.events import Upload, is_sqs, uploads, uploads_of_message
from screen_time.ingest import Ingest
from screen_time.leases import LeasedRecords, renewed
from screen_time.long_videos import LongVideos
from screen_time.model_store import ModelStore
from screen_time.observability import logger, metrics, tracer
from screen_time.outlets import outlets
from screen_time.provenance import Identity
from screen_time.queued_message import QueuedMessage
from screen_time.registry_access import registry
from screen_time.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RECORD_KEPT_SECONDS = 24 * 3600
"""When DynamoDB clears away what a killed function has left; long before that its lease is over."""

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
    with renewed(_remembered().renew):
        return {"outcomes": [_process(upload, context.aws_request_id) for upload in uploads(event)]}


def _process_message(record: SQSRecord, lambda_context: LambdaContext) -> list[str]:
    message = QueuedMessage(_sqs(), settings.queue_url, record)
    try:
        with renewed(message.hold, _remembered().renew):
            return [_process(upload, lambda_context.aws_request_id) for upload in uploads_of_message(record.body)]
    except Exception as error:
        logger.warning("the queue tries again", reason=str(error), error=type(error).__name__)
        message.delay_retry(settings.retry_delay_seconds)
        raise


@tracer.capture_method(capture_response=False)
def _process(upload: Upload, request_id: str) -> str:
    logger.append_keys(video=asdict(upload))
    model = _champion().current()
    if (outcome := _ingest().answered(upload, model)) is not None:
        return outcome

    def measure_once(*, identity: dict[str, Any]) -> str:
        del identity  # only Powertools reads it: it is what makes two events the same
        return _ingest().process(upload, model, request_id)

    once = idempotent_function(
        measure_once,
        data_keyword_argument="identity",
        persistence_store=_remembered(),
        config=idempotency,
        key_prefix="ingest",
    )
    return str(once(identity=asdict(Identity.of(upload, model.identity, settings.sample_interval_ms))))


@cache
def _remembered() -> LeasedRecords:
    return LeasedRecords(settings.idempotency_table)


@cache
def _sqs() -> "SQSClient":
    return boto3.client("sqs")


@cache
def _ingest() -> Ingest:
    return Ingest(boto3.client("s3"), settings, _long_videos(), outlets(settings.outlets), decoder)


def _long_videos() -> LongVideos | None:
    if settings.state_machine_arn is None:
        return None
    return LongVideos(boto3.client("stepfunctions"), settings.state_machine_arn, settings.long_video_seconds)


@cache
def _champion() -> Champion:
    asked = registry(settings.registry_uri, settings.registry_secret_arn)
    store = ModelStore(boto3.client("s3"), settings.models_bucket, asked)
    return Champion(asked, store, settings.model_name, settings.model_alias, settings.registry_refresh_seconds)
