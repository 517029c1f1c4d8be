"""What becomes of a measurement, or of the reason why there is none: the video's documents, written and told of."""

from typing import TYPE_CHECKING

from screen_time.companions import companions
from screen_time.conditional_writes import Labels
from screen_time.documents import (
    RESULT_NAME,
    ModelIdentity,
    Request,
    VideoSource,
    error_document,
    result_document,
    to_json,
)
from screen_time.drift import confidence, label_shares
from screen_time.errors import PermanentError, VideoError
from screen_time.jobs import Job
from screen_time.manifest import Manifest
from screen_time.measurement import Measurement
from screen_time.news import News
from screen_time.object_labels import labels
from screen_time.observability import count, duration, logger, share
from screen_time.outlets import Outlets
from screen_time.results import ResultFolder, StillLatest
from screen_time.video_object import VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Publisher:
    """The documents of one job. Looks what stands there when it is made: what it writes replaces exactly that.

    Every method raises SupersededError where a newer upload of the same key exists, and TransientError where S3 does
    not do what it is asked.
    """

    def __init__(self, s3: "S3Client", bucket: str, job: Job, outlets: Outlets) -> None:
        self._s3, self._job, self._outlets = s3, job, outlets
        self._folder = ResultFolder(s3, bucket, job.upload.key)
        self._news = News(self._folder, outlets.announcer)

    def answered(self, video: VideoObject | None = None) -> bool:
        """Whether the job's document is there already: the idempotency record may be long gone."""
        provenance = self._job.provenance(video)
        self._folder.check_not_superseded(provenance)
        address = self._folder.answer(provenance)
        if address is None:
            return False
        logger.info("answered already", result=address)
        self._news.tell_belatedly(address)
        count("VideosUnchanged")
        return True

    def has_result(self, video: VideoObject) -> bool:
        """Whether the job's result is there already; an error in its place is none."""
        return self._folder.answer(self._job.provenance(video)) == self._folder.address(RESULT_NAME)

    def publish(self, video: VideoObject, manifest: Manifest, measurement: Measurement, request: Request) -> None:
        """Write what was measured."""
        document = result_document(self._source(video), self._job.model, manifest, measurement, request)
        files = companions(document, measurement, manifest, self._outlets.exports)
        provenance = self._job.provenance(video)
        address = self._folder.write_result(
            provenance, to_json(document), files, self._still_latest(), labels(document)
        )
        _count(measurement, address)
        _count_what_was_found(self._job.model.version, manifest, measurement)
        self._news.tell(document, address)

    def publish_shadow(
        self,
        video: VideoObject,
        challenger: ModelIdentity,
        manifest: Manifest,
        measurement: Measurement,
        request: Request,
    ) -> str:
        """Write what the challenger measured beside the job's own result, and tell nobody; returns its address.

        Without tags: who filters by them looks for results.
        """
        document = result_document(self._source(video), challenger, manifest, measurement, request)
        metadata = Labels(labels(document).metadata)
        return self._folder.write_shadow(self._job.provenance(video), to_json(document), metadata)

    def refuse(self, video: VideoObject | None, error: PermanentError, request_id: str) -> bool:
        """Write `error.json`; False where a result stands there, which an error shall not replace."""
        document = error_document(self._source(video), error, request_id)
        # A video that cannot be read cannot be asked whether it is the latest either.
        still_latest = self._still_latest() if isinstance(error, VideoError) else None
        provenance = self._job.provenance(video)
        address = self._folder.write_error(provenance, to_json(document), still_latest, labels(document))
        if address is None:
            logger.warning("the result of this video stays", code=error.code, reason=str(error))
            count("VideosUnchanged")
            return False
        logger.warning("refused", code=error.code, reason=str(error), error=address)
        count("VideosRefused")
        count("VideosRefusedByCode", code=error.code)
        self._news.tell(document, address)
        return True

    def _source(self, video: VideoObject | None) -> VideoSource:
        upload = self._job.upload
        if video is None:
            return VideoSource(upload.bucket, upload.key, upload.version_id, upload.etag, bytes=0)
        return VideoSource(upload.bucket, upload.key, video.version_id, video.etag, video.size)

    def _still_latest(self) -> StillLatest:
        """Whoever uploaded a newer video under this key meanwhile waits for that one's result, not for this."""

        def check() -> None:
            open_video_object(self._s3, self._job.upload)

        return check


def _count(measurement: Measurement, address: str) -> None:
    logger.info("measured", result=address, samples=len(measurement.durations_ms))
    count("VideosMeasured")
    count("SamplesClassified", len(measurement.durations_ms))
    duration("VideoSeconds", sum(measurement.durations_ms) / 1000)
    duration("DecodeSeconds", measurement.timings.decode)
    duration("ClassifySeconds", measurement.timings.classify)


def _count_what_was_found(model_version: str, manifest: Manifest, measurement: Measurement) -> None:
    """What drifts when videos are no longer like those that the model was trained on."""
    count("VideosByModelVersion", model_version=model_version)
    share("Confidence", confidence(measurement.probabilities, manifest))
    for label, seconds in label_shares(measurement.durations_ms, measurement.probabilities, manifest).items():
        share("LabelShare", seconds, label=label)
