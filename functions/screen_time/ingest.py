"""One upload, start to end: read the video, measure it, write its documents."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from screen_time.champion import ServedModel
from screen_time.conditional_writes import File
from screen_time.documents import (
    FRAMES_NAME,
    Request,
    VideoSource,
    error_document,
    frames_csv,
    result_document,
    to_json,
)
from screen_time.errors import ErrorCode, PermanentError, SupersededError, VideoError
from screen_time.events import Upload
from screen_time.measurement import Measurement, measure
from screen_time.observability import count, duration, logger
from screen_time.provenance import Identity, Provenance
from screen_time.results import ResultFolder, StillLatest
from screen_time.settings import Settings
from screen_time.video_object import VideoObject, open_video_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Outcome(StrEnum):
    """How an upload ended."""

    MEASURED = "measured"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    """Its document was there already, or a result that an error shall not replace."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One upload to be measured, by what, and where its documents go."""

    upload: Upload
    model: ServedModel
    request_id: str
    results: ResultFolder


class Ingest:
    """Measures uploads with the parts it is given."""

    def __init__(self, s3: "S3Client", settings: Settings) -> None:
        self._s3, self._settings = s3, settings

    def answered(self, upload: Upload, model: ServedModel) -> Outcome | None:
        """How the upload ended already, by what stands in the results bucket; None where it is to be processed.

        Needs no lease: of many duplicates none stops another.
        """
        order = _Order(upload, model, "", self._folder(upload))
        try:
            return self._answered(order, self._provenance(order))
        except SupersededError as superseded:
            return _superseded(superseded)

    def process(self, upload: Upload, model: ServedModel, request_id: str) -> Outcome:
        """Measure one upload and write `screen-time.json`, or `error.json` where a retry would not help.

        An upload whose document stands there already changes nothing. Raises TransientError where a retry would help.
        """
        try:
            order = _Order(upload, model, request_id, self._folder(upload))
            return self._answered(order, self._provenance(order)) or self._ingest(order)
        except SupersededError as superseded:
            return _superseded(superseded)

    def _folder(self, upload: Upload) -> ResultFolder:
        return ResultFolder(self._s3, self._settings.results_bucket, upload.key)

    def _answered(self, order: _Order, provenance: Provenance) -> Outcome | None:
        """UNCHANGED where the document of this identity is there: the idempotency record may be long gone."""
        order.results.check_not_superseded(provenance)
        address = order.results.answer(provenance)
        if address is None:
            return None
        logger.info("answered already", result=address)
        count("VideosUnchanged")
        return Outcome.UNCHANGED

    def _ingest(self, order: _Order) -> Outcome:
        upload, video = order.upload, None
        try:
            video = open_video_object(self._s3, upload)
            return self._answered(order, self._provenance(order, video)) or self._measure(order, video)
        except PermanentError as error:
            return self._refuse(order, video, error)

    def _measure(self, order: _Order, video: VideoObject) -> Outcome:
        started = time.perf_counter()
        if video.size > self._settings.max_video_bytes:
            raise VideoError(
                ErrorCode.TOO_LARGE, f"The video is larger than the limit of {self._settings.max_video_bytes} bytes."
            )
        model = order.model
        measurement = measure(video, model.classifier, self._settings.sample_interval_ms, self._settings.limits)
        manifest = model.classifier.manifest
        request = Request(order.request_id, {"total": time.perf_counter() - started})
        source = _source(order.upload, video)
        document = to_json(result_document(source, model.identity, manifest, measurement, request))
        files = [File(FRAMES_NAME, frames_csv(measurement, manifest), "text/csv; charset=utf-8")]
        provenance = self._provenance(order, video)
        address = order.results.write_result(provenance, document, files, self._still_latest(order.upload))
        _tell(measurement, address)
        return Outcome.MEASURED

    def _refuse(self, order: _Order, video: VideoObject | None, error: PermanentError) -> Outcome:
        document = to_json(error_document(_source(order.upload, video), error, order.request_id))
        # A video that cannot be read cannot be asked whether it is the latest either.
        still_latest = self._still_latest(order.upload) if isinstance(error, VideoError) else None
        address = order.results.write_error(self._provenance(order, video), document, still_latest)
        if address is None:
            logger.warning("the result of this video stays", code=error.code, reason=str(error))
            count("VideosUnchanged")
            return Outcome.UNCHANGED
        logger.warning("refused", code=error.code, reason=str(error), error=address)
        count("VideosRefused")
        return Outcome.REFUSED

    def _provenance(self, order: _Order, video: VideoObject | None = None) -> Provenance:
        upload = order.upload
        if video is not None:
            upload = replace(upload, version_id=video.version_id, etag=video.etag)
        identity = Identity.of(upload, order.model.identity, self._settings.sample_interval_ms)
        return Provenance.of(identity, upload.sequencer, None if video is None else video.uploaded)

    def _still_latest(self, upload: Upload) -> StillLatest:
        """Whoever uploaded a newer video under this key meanwhile waits for that one's result, not for this."""

        def check() -> None:
            open_video_object(self._s3, upload)

        return check


def _superseded(error: SupersededError) -> Outcome:
    logger.info("superseded", reason=str(error))
    count("VideosSuperseded")
    return Outcome.SUPERSEDED


def _source(upload: Upload, video: VideoObject | None) -> VideoSource:
    if video is None:
        return VideoSource(upload.bucket, upload.key, upload.version_id, upload.etag, bytes=0)
    return VideoSource(upload.bucket, upload.key, video.version_id, video.etag, video.size)


def _tell(measurement: Measurement, address: str) -> None:
    logger.info("measured", result=address, samples=len(measurement.durations_ms))
    count("VideosMeasured")
    count("SamplesClassified", len(measurement.durations_ms))
    duration("VideoSeconds", sum(measurement.durations_ms) / 1000)
    duration("DecodeSeconds", measurement.timings.decode)
    duration("ClassifySeconds", measurement.timings.classify)
