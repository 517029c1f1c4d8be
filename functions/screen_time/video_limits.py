"""The largest video that is read."""

import io
from dataclasses import dataclass
from typing import BinaryIO

VideoFile = BinaryIO | io.RawIOBase
"""A readable and seekable binary stream."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Seconds of presentation time, pixels of one frame (as stored and as displayed), and frames in all.

    `frames` also bounds the packets that are read, whether they can be decoded or not, and `memory_bytes` is what the
    decoder's process may map beyond its libraries.
    """

    seconds: float = 6 * 3600
    pixels: int = 8192 * 4320
    frames: int = 3_000_000
    memory_bytes: int = 3 * 1024**3
