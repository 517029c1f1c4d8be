"""What the environment decides for the tasks of the state machine; what a task works on comes with it instead."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from screen_time.decoder_bounds import DecoderBounds
from screen_time.outlets import OutletSettings
from screen_time.settings import Reader
from screen_time.video_limits import VideoLimits


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """The tasks' settings; each field is the environment variable of the same name in capitals."""

    results_bucket: str
    models_bucket: str
    registry_uri: str
    registry_secret_arn: str | None
    limits: VideoLimits
    decoder: DecoderBounds
    reuse_held_frames: bool
    segment_seconds: float
    """Processor seconds of estimated work for one segment."""
    segment_concurrency: int
    segment_reread_bytes: int
    """What the segments may read again of a file of which a tenth is less."""
    outlets: OutletSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "TaskSettings":
        """Read every setting; raises SettingsError at the first that cannot be used."""
        read = Reader(environment)
        return cls(
            results_bucket=read.text("RESULTS_BUCKET"),
            models_bucket=read.text("MODELS_BUCKET"),
            registry_uri=read.address("REGISTRY_URI"),
            registry_secret_arn=read.optional("REGISTRY_SECRET_ARN"),
            limits=read.limits(),
            decoder=read.decoder_bounds(),
            reuse_held_frames=read.switch("REUSE_HELD_FRAMES", "1"),
            segment_seconds=read.positive("SEGMENT_SECONDS", "30", float),
            segment_concurrency=read.positive("SEGMENT_CONCURRENCY", "40", int),
            segment_reread_bytes=read.positive("SEGMENT_REREAD_BYTES", "1", int),
            outlets=read.outlets(),
        )
