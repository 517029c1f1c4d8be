"""One upload, start to end: read the video, measure it or have it measured, write its documents."""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from screen_time.champion import ServedModel
from screen_time.decoder import ChildDecoder
from screen_time.decoding import Decoder, DecodingRequest
from screen_time.documents import Request
from screen_time.errors import ErrorCode, PermanentError, SupersededError, VideoError
from screen_time.events import Upload
from screen_time.jobs import Job
from screen_time.long_videos import LongVideos
from screen_time.measurement import Measurement, measure_decoding
from screen_time.observability import count, logger
from screen_time.outlets import Outlets
from screen_time.publishing import Publisher
from screen_time.settings import Settings
from screen_time.shadow import Published, Shadow
from screen_time.video_object import VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Outcome(StrEnum):
    """How an upload ended."""

    MEASURED = "measured"
    DELEGATED = "delegated"
    """An execution of the state machine measures it."""
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    """Its document was there already, or a result that an error shall not replace."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One job, by which model in memory, and where its documents go."""

    job: Job
    model: ServedModel
    request_id: str
    publisher: Publisher


class Ingest:
    """Measures uploads with the parts it is given; without `long_videos`, every one by itself.

    With a `shadow`, which follows the videos that are measured here.
    """

    def __init__(
        self,
        s3: "S3Client",
        settings: Settings,
        long_videos: LongVideos | None = None,
        outlets: Outlets | None = None,
        decoder: Decoder | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self._s3, self._settings, self._long_videos, self._shadow = s3, settings, long_videos, shadow
        self._outlets, self._decoder = outlets or Outlets(), decoder or ChildDecoder()

    def answered(self, upload: Upload, model: ServedModel) -> Outcome | None:
        """How the upload ended already, by what stands in the results bucket; None where it is to be processed.

        Needs no lease: of many duplicates none stops another.
        """
        try:
            return Outcome.UNCHANGED if self._publisher(self._job(upload, model)).answered() else None
        except SupersededError as superseded:
            return _superseded(superseded)

    def process(self, upload: Upload, model: ServedModel, request_id: str) -> Outcome:
        """Measure one upload and write `screen-time.json`, or `error.json` where a retry would not help.

        A long video is handed to the state machine instead. An upload whose document stands there already changes
        nothing. Raises TransientError where a retry would help.
        """
        job = self._job(upload, model)
        try:
            order = _Order(job, model, request_id, self._publisher(job))
            return Outcome.UNCHANGED if order.publisher.answered() else self._ingest(order)
        except SupersededError as superseded:
            return _superseded(superseded)

    def _job(self, upload: Upload, model: ServedModel) -> Job:
        return Job(upload, model.identity, self._settings.sample_interval_ms)

    def _publisher(self, job: Job) -> Publisher:
        return Publisher(self._s3, self._settings.results_bucket, job, self._outlets)

    def _ingest(self, order: _Order) -> Outcome:
        video = None
        try:
            video = open_video_object(self._s3, order.job.upload, read_ahead=True)
            if order.publisher.answered(video):
                return Outcome.UNCHANGED
            self._check_size(video)
            return self._measure_or_delegate(order, video)
        except PermanentError as error:
            refused = order.publisher.refuse(video, error, order.request_id)
            return Outcome.REFUSED if refused else Outcome.UNCHANGED

    def _check_size(self, video: VideoObject) -> None:
        if video.size > self._settings.max_video_bytes:
            raise VideoError(
                ErrorCode.TOO_LARGE, f"The video is larger than the limit of {self._settings.max_video_bytes} bytes."
            )

    def _measure_or_delegate(self, order: _Order, video: VideoObject) -> Outcome:
        """Hand a video that is too long for one function to the state machine, if there is one."""
        started = time.perf_counter()
        classifier, settings, long_videos = order.model.classifier, self._settings, self._long_videos
        interval_ms, outlined = order.job.interval_ms, long_videos is not None
        wanted = DecodingRequest(classifier.input, interval_ms, settings.limits, outlined=outlined)
        with self._decoder.open(video, wanted) as decoding:
            if long_videos is not None and long_videos.takes(decoding.outline(), classifier.input, interval_ms):
                long_videos.start(order.job.of(video))
                return Outcome.DELEGATED
            measurement = measure_decoding(decoding, classifier, interval_ms, reuse=settings.reuse_held_frames)
        self._publish(order, video, measurement, time.perf_counter() - started)
        return Outcome.MEASURED

    def _publish(self, order: _Order, video: VideoObject, measurement: Measurement, seconds: float) -> None:
        manifest = order.model.classifier.manifest
        request = Request(order.request_id, {"total": seconds})
        order.publisher.publish(video, manifest, measurement, request)
        if self._shadow is not None:
            self._shadow.follow(video.again(), Published(order.job, manifest, measurement, request, order.publisher))


def _superseded(error: SupersededError) -> Outcome:
    logger.info("superseded", reason=str(error))
    count("VideosSuperseded")
    return Outcome.SUPERSEDED
