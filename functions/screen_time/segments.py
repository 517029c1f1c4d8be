"""What the workers of a long video do: plan it, measure a segment, put the segments together, or give up on it."""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import TYPE_CHECKING, Any

from screen_time.decoding import Decoder
from screen_time.documents import Request
from screen_time.errors import ErrorCode, ObjectError, PermanentError, ScreenTimeError, SupersededError, VideoError
from screen_time.jobs import Job
from screen_time.measurement import measure, outline
from screen_time.merging import in_order, merged
from screen_time.observability import logger
from screen_time.outlets import Outlets
from screen_time.partials import Partial, Partials, Segment
from screen_time.pinned_models import PinnedModels
from screen_time.planning import Cost, cut, segments, work_seconds
from screen_time.publishing import Publisher
from screen_time.task_settings import TaskSettings
from screen_time.video_object import VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Failure = dict[str, Any]
"""What Step Functions tells of a task that failed: `Error`, its name, and `Cause`, here Lambda's error document."""


OBJECT_CODES = frozenset({ErrorCode.OBJECT_DELETED, ErrorCode.OBJECT_ENCRYPTED, ErrorCode.OBJECT_FORBIDDEN})


class RefusedError(ScreenTimeError):
    """A retry would end the same way; the text is JSON with the `code` and the `message` of `error.json`."""

    def __init__(self, error: PermanentError) -> None:
        super().__init__(json.dumps({"code": error.code, "message": str(error)}))


class Segments:
    """The tasks of the state machine. Each may run twice without a difference."""

    def __init__(
        self,
        s3: "S3Client",
        settings: TaskSettings,
        models: PinnedModels,
        outlets: Outlets | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self._s3, self._settings, self._decoder = s3, settings, decoder
        self._models = models
        self._outlets = outlets or Outlets()

    def plan(self, job: Job) -> list[Segment]:
        """Where the video is cut: as many segments as its work is worth and its key frames and its size allow."""
        settings = self._settings
        video = open_video_object(self._s3, job.upload)
        found = outline(video, settings.limits, decoder=self._decoder)
        work = work_seconds(found, self._models.manifest(job.model).input, job.interval_ms)
        affordable = Cost(video.bytes_fetched, video.size).segments(settings.segment_reread_bytes)
        count = min(segments(work, settings.segment_seconds), affordable)
        parts = cut(found, job.interval_ms, count)
        logger.info("planned", segments=len(parts), estimated_seconds=work)
        return list(starmap(Segment, enumerate(parts)))

    def measure(self, job: Job, segment: Segment) -> int:
        """Measure one segment and write its partial; how many samples it has, or 0 where it was measured before."""
        partials = self._partials(job)
        if partials.has(segment):
            return 0
        model = self._models.served(job.model)
        video = open_video_object(self._s3, job.upload)
        found = measure(
            video,
            model.classifier,
            job.interval_ms,
            self._settings.limits,
            part=segment.part,
            decoder=self._decoder,
            reuse=self._settings.reuse_held_frames,
        )
        partials.write(Partial(job.name, video.etag, job.model, segment, found))
        return len(found.start_ms)

    def merge(self, job: Job, planned: Sequence[Segment], seconds: float) -> None:
        """Write the result of all segments, `seconds` after the execution started.

        Raises PartialsError or SeamError where they are not the parts of one whole.
        """
        video = open_video_object(self._s3, job.upload)
        publisher = self._publisher(job)
        if publisher.has_result(video):
            return
        measurements = in_order(self._partials(job).read(), planned, job.name, video.etag, job.model)
        manifest = self._models.manifest(job.model)
        publisher.publish(video, manifest, merged(measurements, manifest), Request(job.name, {"total": seconds}))

    def refuse(self, job: Job, failure: Failure) -> None:
        """Write `error.json` for what made the video fail, and remove what there was of it."""
        try:
            video, publisher = self._opened(job), self._publisher(job)
            if not publisher.answered(video):
                publisher.refuse(video, reason(failure), job.name)
        except SupersededError as superseded:
            logger.info("superseded", reason=str(superseded))
        self.discard(job)

    def discard(self, job: Job) -> None:
        """Remove the video's partials."""
        self._partials(job).remove()

    def _opened(self, job: Job) -> VideoObject | None:
        """The video, None where it cannot be read any more."""
        try:
            return open_video_object(self._s3, job.upload)
        except PermanentError:
            return None

    def _publisher(self, job: Job) -> Publisher:
        return Publisher(self._s3, self._settings.results_bucket, job, self._outlets)

    def _partials(self, job: Job) -> Partials:
        return Partials(self._s3, self._settings.results_bucket, job.name)


def raise_first(failures: Sequence[Failure]) -> None:
    """Raise what the first of the failed segments failed with; a newer upload first: it makes all others pointless."""
    for failure in failures:
        if failure["Error"] == SupersededError.__name__:
            raise SupersededError("The video was overwritten while it was measured.")
    for failure in failures:
        raise RefusedError(reason(failure))


def reason(failure: Failure) -> PermanentError:
    """The error that a failed task stands for: its own, where it was refused, else that it could not be finished."""
    try:
        refusal = json.loads(json.loads(failure["Cause"])["errorMessage"])
        code, message = ErrorCode(refusal["code"]), str(refusal["message"])
    except (ValueError, KeyError, TypeError):
        code = ErrorCode.UNFINISHED
        message = f"The video could not be measured, although it was tried again ({failure['Error']})."
    return ObjectError(code, message) if code in OBJECT_CODES else VideoError(code, message)


def elapsed(started_at: str) -> float:
    """Seconds since `started_at`, a time as Step Functions writes it (ISO 8601)."""
    return time.time() - datetime.fromisoformat(started_at).timestamp()
