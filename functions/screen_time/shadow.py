"""A challenger measures some videos too, after the champion, so that the two can be compared before it is promoted.

It is never worth a result: it begins when the champion's is written, ends when the time does, is not tried again, and
whatever goes wrong is counted and nothing else. That is why it does not follow its alias as Champion does, which falls
back on the version that served last and rings alarms: without a challenger there is nothing to do.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from screen_time.decoding import Decoder
from screen_time.disagreement import Answers, disagreement
from screen_time.documents import ModelIdentity, Request
from screen_time.errors import NotRegisteredError, SupersededError, TimeLimitError, TransientError
from screen_time.jobs import Job
from screen_time.manifest import Manifest
from screen_time.measurement import Measurement, measure
from screen_time.observability import count, logger, percent
from screen_time.pinned_models import PinnedModels
from screen_time.publishing import Publisher
from screen_time.registry import Registry
from screen_time.settings import Settings
from screen_time.time_limit import seconds_left, time_limit
from screen_time.video_object import VideoObject


@dataclass(frozen=True, slots=True)
class Published:
    """The champion's measurement of one job, whose result stands; `publisher` is of that job."""

    job: Job
    manifest: Manifest
    measurement: Measurement
    request: Request
    publisher: Publisher


class Shadow:
    """Measures a share of the videos with the version that carries the challenger's alias, loaded when first needed."""

    def __init__(self, settings: Settings, registry: Registry, models: PinnedModels, decoder: Decoder | None) -> None:
        self._settings, self._registry, self._models, self._decoder = settings, registry, models, decoder

    def follow(self, video: VideoObject, champion: Published) -> None:
        """Measure the video again, if it is one of the share and there is a challenger; closes `video`, never raises.

        Writes `shadow.json` and says in metrics how far the two are apart.
        """
        if not is_shadowed(champion.job.of(video), self._settings.shadow_share):
            return
        try:
            with time_limit(seconds_left()):
                self._follow(video, champion)
        except SupersededError as superseded:
            logger.info("no shadow", reason=str(superseded))
        except Exception as error:  # noqa: BLE001 (the champion's result stands, and the event is done whatever this is)
            logger.warning("the shadow failed", reason=str(error), error=type(error).__name__)
            count("ShadowFailed")

    def _follow(self, video: VideoObject, champion: Published) -> None:
        challenger = self._challenger(champion.job.model)
        if challenger is None:
            return
        if seconds_left() < champion.request.seconds["total"]:
            raise TimeLimitError("Less time is left than the champion took.")
        started = time.perf_counter()
        served, settings = self._models.served(challenger), self._settings
        measurement = measure(
            video,
            served.classifier,
            champion.job.interval_ms,
            settings.limits,
            decoder=self._decoder,
            reuse=settings.reuse_held_frames,
        )
        if measurement.durations_ms != champion.measurement.durations_ms:
            raise TransientError("The two versions did not get the same samples.")
        request = Request(champion.request.request_id, {"total": time.perf_counter() - started})
        manifest = served.classifier.manifest
        address = champion.publisher.publish_shadow(video, challenger, manifest, measurement, request)
        _tell(champion, challenger, Answers(measurement.probabilities, manifest), address)

    def _challenger(self, champion: ModelIdentity) -> ModelIdentity | None:
        """Who carries the alias; None where nobody does, or the champion itself."""
        try:
            found = self._registry.version_of_alias(self._settings.model_name, self._settings.shadow_alias)
        except NotRegisteredError:
            return None
        if (found.version, found.digest) == (champion.version, champion.digest):
            return None
        return ModelIdentity(found.name, found.version, self._settings.shadow_alias, found.run_id, found.digest)


def is_shadowed(job: Job, share: float) -> bool:
    """Whether a video is one of the `share`, 0 … 1: always the same answer for the same object, whatever the models."""
    upload = job.upload
    named = json.dumps([upload.bucket, upload.key, upload.version_id or upload.etag])
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:4], "big") / 2**32 < share


def _tell(champion: Published, challenger: ModelIdentity, answers: Answers, address: str) -> None:
    measurement = champion.measurement
    apart = disagreement(measurement.durations_ms, Answers(measurement.probabilities, champion.manifest), answers)
    logger.info(
        "measured by the challenger too",
        result=address,
        champion=champion.job.model.version,
        challenger=challenger.version,
        disagreement_percent=round(apart.samples_percent, 2),
        largest_difference_percent=round(apart.seconds_percent, 2),
    )
    count("ShadowMeasured")
    percent("ShadowDisagreementPercent", apart.samples_percent)
    percent("ShadowLargestDifferencePercent", apart.seconds_percent)
