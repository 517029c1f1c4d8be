"""What a video is and what is taken from it, for everybody who need not load a decoder to speak of it."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""An upright RGB image: uint8, height × width × 3."""

NEUTRAL_RGB = (124, 117, 104)
"""The ImageNet mean, which VGG16's preprocessing subtracts: padding of this colour is nearly 0 to the network."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the file says of itself: size in pixels as displayed, counter-clockwise rotation in degrees."""

    container: str
    codec: str
    width: int
    height: int
    rotation: int
    frame_rate: Fraction | None


@dataclass(frozen=True, slots=True)
class Sample:
    """The frame on display at `start_ms`, which stands for the `duration_ms` from there (whole milliseconds)."""

    index: int
    start_ms: int
    duration_ms: int
    image: Frame


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a video's samples: from index `first` up to, not including, `stop` (None: to the end of the video)."""

    first: int = 0
    stop: int | None = None


WHOLE_VIDEO = Part()


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a part meets its neighbours: times of frames in seconds after the video's first frame.

    `first_frame` is shown by the part's first sample, and `next_frame` by the first sample after the part, which the
    neighbour must have found too; None where the video ends with the part.
    """

    first_frame: Fraction
    next_frame: Fraction | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file tells of itself before it is read.

    `declared_ms` is its duration, 0 where it tells none, and `keys_ms` are the times, after the first frame and
    roughly, from which it can be read without what precedes them; none where it has to be read from its start.
    """

    info: VideoInfo
    declared_ms: int
    keys_ms: tuple[int, ...]
