"""The entry of the state machine's tasks: what wires a task's event to work, and nothing else."""

from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from screen_time.decoder import ChildDecoder
from screen_time.errors import PermanentError
from screen_time.jobs import Job
from screen_time.model_store import ModelStore
from screen_time.observability import logger, metrics, tracer
from screen_time.outlets import outlets
from screen_time.partials import Segment
from screen_time.pinned_models import PinnedModels
from screen_time.registry_access import registry
from screen_time.samples import Part
from screen_time.segments import RefusedError, Segments, elapsed, raise_first
from screen_time.task_settings import TaskSettings

settings = TaskSettings.from_environment()
decoder = ChildDecoder(settings.decoder, ahead=True)

Event = dict[str, Any]


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: Event, context: LambdaContext) -> Event:
    """Do one task of a long video's execution, which the event names.

    What a retry cannot mend is raised as RefusedError, what it can as it is: the state machine knows them by name.
    """
    del context
    job = Job.from_event(event)
    logger.append_keys(video=event["job"]["upload"], execution=job.name, task=event["task"])
    try:
        return _do(event["task"], job, event)
    except PermanentError as error:
        raise RefusedError(error) from error


def _do(task: str, job: Job, event: Event) -> Event:
    match task:
        case "plan":
            segments = [_to_event(segment) for segment in _segments().plan(job)]
            return {"segments": segments, "concurrency": settings.segment_concurrency}
        case "measure":
            return {"samples": _segments().measure(job, _from_event(event["segment"]))}
        case "merge":
            raise_first([outcome["failure"] for outcome in event["outcomes"] if "failure" in outcome])
            _segments().merge(job, [_from_event(each) for each in event["segments"]], elapsed(event["started_at"]))
        case "refuse":
            _segments().refuse(job, event["failure"])
        case "discard":
            _segments().discard(job)
        case _:
            raise ValueError(f"there is no task {task!r}")
    return {}


def _to_event(segment: Segment) -> Event:
    return {"number": segment.number, "first": segment.part.first, "stop": segment.part.stop}


def _from_event(event: Event) -> Segment:
    return Segment(event["number"], Part(event["first"], event["stop"]))


@cache
def _segments() -> Segments:
    s3 = boto3.client("s3")
    asked = registry(settings.registry_uri, settings.registry_secret_arn)
    models = PinnedModels(ModelStore(s3, settings.models_bucket, asked))
    return Segments(s3, settings, models, outlets(settings.outlets), decoder)
