"""What the decoder's process and its parent say to each other, over one socket.

The child asks, and answers in JSON, never in pickles: what a hostile video has made of it must not run in the parent.
"""

from dataclasses import dataclass
from enum import StrEnum

from screen_time.decoding import DecodingRequest
from screen_time.video_limits import VideoLimits

LONGEST = 1024 * 1024
"""Bytes of the longest message that either side accepts."""

READ_BYTES = 256 * 1024
"""Bytes that the child asks for at once."""

DATA = b"d"
"""Begins the parent's message of bytes of the video, which follow."""

FREE = b"f"
"""Begins the parent's message that a slot of the ring, whose number follows, may be written again."""


class Kind(StrEnum):
    """What the child tells."""

    READY = "ready"
    """It has loaded its libraries and waits for a request."""
    READ = "read"
    """It needs `size` bytes of the video at `offset`."""
    OUTLINE = "outline"
    """What the video tells of itself, in `result`; its samples follow."""
    SAMPLE = "sample"
    """A sample lies in `slot`."""
    ALIVE = "alive"
    """It got on with a video that gave no sample in the last second."""
    END = "end"
    """There is no further sample; `result` is what was decoded, or the outline."""
    REFUSED = "refused"
    """The video cannot be measured, with `code` and `message` of the VideoError."""
    OUT_OF_MEMORY = "out_of_memory"
    """The video needs more memory than the child may have."""


@dataclass(frozen=True, slots=True)
class Order:
    """The parent's first message: what is wanted, the ring's slots, the video's bytes, and the bounds of the child.

    `request` is None where only the video's outline is wanted.
    """

    request: DecodingRequest | None
    limits: VideoLimits
    slots: int
    size: int
    memory_bytes: int
    cpu_seconds: int
