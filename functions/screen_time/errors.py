"""Everything that can go wrong, in two kinds: what a retry cannot mend, and what it can.

ScreenTimeError
├── PermanentError          error.json is written and the event is done
│   ├── VideoError          the video cannot be measured; `code` says why
│   └── ObjectError         the object cannot be read any more; `code` says why
├── SupersededError         a newer upload of the same key exists; its own event decides
└── TransientError          the item fails and the queue delivers it again
    ├── TimeLimitError      the function's time was over before the video was measured
    ├── RegistryError       the registry does not answer as it should
    │   └── NotRegisteredError  it answers that there is no such thing
    └── ModelError          a model version that cannot be served
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable codes of `error.json`; a client may switch on them."""

    NOT_A_VIDEO = "not_a_video"
    NO_VIDEO_STREAM = "no_video_stream"
    NO_FRAMES = "no_frames"
    UNSUPPORTED_CODEC = "unsupported_codec"
    DECODER_FAILED = "decoder_failed"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    OBJECT_DELETED = "object_deleted"
    OBJECT_FORBIDDEN = "object_forbidden"
    OBJECT_ENCRYPTED = "object_encrypted"
    UNFINISHED = "unfinished"


class ScreenTimeError(Exception):
    """Base of every error that this package raises on purpose; its text is one sentence for people."""


class PermanentError(ScreenTimeError):
    """A retry would end the same way."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class VideoError(PermanentError):
    """The bytes are there but cannot be measured."""


class ObjectError(PermanentError):
    """The object is gone, forbidden or encrypted with a key of somebody else's."""


class SupersededError(ScreenTimeError):
    """The object was overwritten before it was read."""


class TransientError(ScreenTimeError):
    """A retry may succeed."""


class TimeLimitError(TransientError):
    """The time that the function has was not enough; more memory is also more processor."""


class RegistryError(TransientError):
    """The model registry does not answer, or answers what its API does not promise."""


class NotRegisteredError(RegistryError):
    """The registry knows no such model, version or alias; a promotion mends it."""


class ModelError(TransientError):
    """A model version that cannot be verified, loaded or tried; a promotion or a rollback mends it."""
