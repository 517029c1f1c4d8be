"""One upload, start to end: read the video, measure it, write its documents."""

import time
from enum import StrEnum
from typing import TYPE_CHECKING

from screen_time.champion import ServedModel
from screen_time.documents import Request, VideoSource, error_document, frames_csv, result_document, to_json
from screen_time.errors import ErrorCode, PermanentError, SupersededError, VideoError
from screen_time.events import Upload
from screen_time.measurement import Measurement, measure
from screen_time.observability import count, duration, logger
from screen_time.results import ResultsBucket
from screen_time.settings import Settings
from screen_time.video_object import VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Outcome(StrEnum):
    """How an upload ended."""

    MEASURED = "measured"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class Ingest:
    """Measures uploads with the parts it is given."""

    def __init__(self, s3: "S3Client", settings: Settings) -> None:
        self._s3, self._settings = s3, settings
        self._results = ResultsBucket(s3, settings.results_bucket)

    def process(self, upload: Upload, model: ServedModel, request_id: str) -> Outcome:
        """Measure one upload and write `screen-time.json`, or `error.json` where a retry would not help.

        Raises TransientError where it would.
        """
        source = VideoSource(upload.bucket, upload.key, upload.version_id, upload.etag, bytes=0)
        try:
            video = open_video_object(self._s3, upload)
            source = VideoSource(upload.bucket, upload.key, video.version_id, video.etag, video.size)
            self._measure(upload, video, source, model, request_id)
        except SupersededError as superseded:
            logger.info("superseded", reason=str(superseded))
            count("VideosSuperseded")
            return Outcome.SUPERSEDED
        except PermanentError as error:
            self._refuse(source, error, request_id)
            return Outcome.REFUSED
        return Outcome.MEASURED

    def _measure(
        self, upload: Upload, video: VideoObject, source: VideoSource, model: ServedModel, request_id: str
    ) -> None:
        started = time.perf_counter()
        if video.size > self._settings.max_video_bytes:
            raise VideoError(
                ErrorCode.TOO_LARGE, f"The video is larger than the limit of {self._settings.max_video_bytes} bytes."
            )
        measurement = measure(video, model.classifier, self._settings.sample_interval_ms, self._settings.limits)
        manifest = model.classifier.manifest
        request = Request(request_id, {"total": time.perf_counter() - started})
        document = result_document(source, model.identity, manifest, measurement, request)
        # Whoever uploaded a newer video under this key meanwhile waits for that one's result, not for this.
        open_video_object(self._s3, upload)
        address = self._results.write_result(upload.key, to_json(document), frames_csv(measurement, manifest))
        _tell(measurement, address)

    def _refuse(self, source: VideoSource, error: PermanentError, request_id: str) -> None:
        address = self._results.write_error(source.key, to_json(error_document(source, error, request_id)))
        logger.warning("refused", code=error.code, reason=str(error), error=address)
        count("VideosRefused")


def _tell(measurement: Measurement, address: str) -> None:
    logger.info("measured", result=address, samples=len(measurement.durations_ms))
    count("VideosMeasured")
    count("SamplesClassified", len(measurement.durations_ms))
    duration("VideoSeconds", sum(measurement.durations_ms) / 1000)
    duration("DecodeSeconds", measurement.timings.decode)
    duration("ClassifySeconds", measurement.timings.classify)
