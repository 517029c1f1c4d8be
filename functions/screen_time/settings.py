"""What the environment decides, read once into one typed object."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from screen_time.decoder_bounds import DecoderBounds
from screen_time.errors import ScreenTimeError
from screen_time.export_format import ExportFormat
from screen_time.outlets import OutletSettings
from screen_time.video_limits import VideoLimits

Value = TypeVar("Value")

DECODER_SHARE = 0.55
"""Of the function's memory; the rest is for the model and the libraries of both processes."""


class SettingsError(ScreenTimeError):
    """A variable of the environment is missing or unusable; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; each field is the environment variable of the same name in capitals."""

    results_bucket: str
    models_bucket: str
    idempotency_table: str
    queue_url: str
    registry_uri: str
    registry_secret_arn: str | None
    model_name: str
    model_alias: str
    shadow_share: float
    """Of the videos, 0 … 1, which the challenger measures too."""
    shadow_alias: str
    registry_refresh_seconds: float
    retry_delay_seconds: int
    max_attempts: int
    lease_seconds: int
    sample_interval_ms: int
    max_video_bytes: int
    limits: VideoLimits
    state_machine_arn: str | None
    """None: every video is measured in one piece."""
    long_video_seconds: float
    """Processor seconds of estimated work beyond which a video goes to the state machine."""
    outlets: OutletSettings
    decoder: DecoderBounds
    reuse_held_frames: bool
    """Whether a sample whose frame is the same as the one before takes over its answer."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read every setting; raises SettingsError at the first that cannot be used."""
        read = Reader(environment)
        return cls(
            results_bucket=read.text("RESULTS_BUCKET"),
            models_bucket=read.text("MODELS_BUCKET"),
            idempotency_table=read.text("IDEMPOTENCY_TABLE"),
            queue_url=read.text("QUEUE_URL"),
            registry_uri=read.address("REGISTRY_URI"),
            registry_secret_arn=read.optional("REGISTRY_SECRET_ARN"),
            model_name=read.text("MODEL_NAME", "screen-time"),
            model_alias=read.text("MODEL_ALIAS", "champion"),
            shadow_share=read.share("SHADOW_SHARE", "0"),
            shadow_alias=read.text("SHADOW_ALIAS", "challenger"),
            registry_refresh_seconds=read.positive("REGISTRY_REFRESH_SECONDS", "5", float),
            retry_delay_seconds=read.positive("RETRY_DELAY_SECONDS", "60", int),
            max_attempts=read.positive("MAX_ATTEMPTS", "5", int),
            lease_seconds=read.positive("LEASE_SECONDS", "30", int),
            sample_interval_ms=read.milliseconds("SAMPLE_INTERVAL_SECONDS", "1"),
            max_video_bytes=read.positive("MAX_VIDEO_BYTES", str(20 * 1024**3), int),
            limits=read.limits(),
            state_machine_arn=read.optional("STATE_MACHINE_ARN"),
            long_video_seconds=read.positive("LONG_VIDEO_SECONDS", "120", float),
            outlets=read.outlets(),
            decoder=read.decoder_bounds(),
            reuse_held_frames=read.switch("REUSE_HELD_FRAMES", "1"),
        )


class Reader:
    """Reads typed values and names the variable where one cannot be used."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        """The text, which must not be empty."""
        value = self._environment.get(name) or default
        if value is None:
            raise SettingsError(f"{name} is not set.")
        return value

    def switch(self, name: str, default: str) -> bool:
        """1 or 0."""
        value = self.text(name, default)
        if value not in ("0", "1"):
            raise SettingsError(f"{name} must be 0 or 1, not {value!r}.")
        return value == "1"

    def decoder_bounds(self) -> DecoderBounds:
        """What decoding one video may take; its memory is one of `limits`."""
        return DecoderBounds(
            cpu_seconds=self.positive("DECODER_CPU_SECONDS", str(DecoderBounds().cpu_seconds), int),
            stall_seconds=self.positive("DECODER_STALL_SECONDS", str(DecoderBounds().stall_seconds), float),
        )

    def optional(self, name: str) -> str | None:
        """The text, None where it is not set or empty."""
        return self._environment.get(name) or None

    def address(self, name: str) -> str:
        """An http or https address, without a slash at its end."""
        value = self.text(name).rstrip("/")
        if not value.startswith(("http://", "https://")):
            raise SettingsError(f"{name} must be an http:// or https:// address, not {value!r}.")
        return value

    def positive(self, name: str, default: str, kind: Callable[[str], Value]) -> Value:
        """A number above 0."""
        text = self.text(name, default)
        try:
            value = kind(text)
        except ValueError as error:
            raise SettingsError(f"{name} must be a number, not {text!r}.") from error
        if not value > 0:  # type: ignore[operator]
            raise SettingsError(f"{name} must be more than 0, not {text!r}.")
        return value

    def share(self, name: str, default: str) -> float:
        """A number from 0 to 1."""
        text = self.text(name, default)
        try:
            value = float(text)
        except ValueError as error:
            raise SettingsError(f"{name} must be a number, not {text!r}.") from error
        if not 0 <= value <= 1:
            raise SettingsError(f"{name} must be from 0 to 1, not {text!r}.")
        return value

    def milliseconds(self, name: str, default: str) -> int:
        """Seconds that must be a whole number of milliseconds, so that times add up exactly."""
        text = self.text(name, default)
        try:
            return interval_ms(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from error

    def limits(self) -> VideoLimits:
        """The largest video that is read."""
        return VideoLimits(
            seconds=self.positive("MAX_VIDEO_SECONDS", "21600", float),
            pixels=self.positive("MAX_VIDEO_PIXELS", str(8192 * 4320), int),
            frames=self.positive("MAX_VIDEO_FRAMES", "3000000", int),
            memory_bytes=self.positive("MAX_DECODER_BYTES", str(self._decoder_bytes()), int),
        )

    def _decoder_bytes(self) -> int:
        """A share of what Lambda gives the function, so that a video runs into this bound and not into Lambda's."""
        function_mebibytes = self._environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        if not function_mebibytes.isdecimal():
            return VideoLimits().memory_bytes
        return int(int(function_mebibytes) * 2**20 * DECODER_SHARE)

    def outlets(self) -> OutletSettings:
        """Which exports are written, and who is told."""
        return OutletSettings(
            exports=self._exports("EXPORTS"),
            event_bus_name=self.optional("EVENT_BUS_NAME"),
            notification_topic_arn=self.optional("NOTIFICATION_TOPIC_ARN"),
        )

    def _exports(self, name: str) -> tuple[ExportFormat, ...]:
        """Formats, separated by commas; each once."""
        texts = [text.strip() for text in (self.optional(name) or "").split(",")]
        try:
            return tuple(dict.fromkeys(ExportFormat(text) for text in texts if text))
        except ValueError as error:
            known = ", ".join(ExportFormat)
            raise SettingsError(f"{name} must be some of {known}, not {','.join(texts)!r}.") from error


def interval_ms(text: str) -> int:
    """A sampling interval in seconds ('1', '0.5') as whole milliseconds; raises ValueError with a sentence."""
    try:
        milliseconds = Decimal(text) * 1000
    except InvalidOperation as error:
        raise ValueError(f"the sampling interval must be a number of seconds, not {text!r}.") from error
    if not milliseconds.is_finite() or milliseconds < 1 or milliseconds % 1:
        raise ValueError(f"the sampling interval must be a whole number of milliseconds above 0, not {text} s.")
    return int(milliseconds)
