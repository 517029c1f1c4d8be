"""Writes pictures to real video files of any kind: codec, container, frame times, rotation, pixel format, sound."""

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""uint8, height × width × 3 (RGB) or height × width (grey)."""

TimedPictures = Iterable[tuple[Fraction, Picture]]
"""Pictures with the times, in seconds and ascending, from which they are displayed."""


class Codec(StrEnum):
    """The encoders of PyAV's wheel, by the name FFmpeg gives them."""

    H264 = "libx264"
    HEVC = "libx265"
    VP9 = "libvpx-vp9"
    AV1 = "libsvtav1"
    MPEG4 = "mpeg4"


_FASTEST: dict[Codec, dict[str, str]] = {
    Codec.H264: {"preset": "ultrafast", "crf": "23"},
    Codec.HEVC: {"preset": "ultrafast", "crf": "26", "x265-params": "log-level=none"},
    Codec.VP9: {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"},
    Codec.AV1: {"preset": "11", "crf": "35"},
    Codec.MPEG4: {"qscale": "3"},
}

_SOUND = {".webm": "libopus", ".avi": "pcm_s16le"}
"""Audio encoders by the file's suffix; AAC elsewhere. One with a delay would make an avi repeat its first frame."""

_WITH_EDIT_LISTS = frozenset({".mp4", ".mov"})
_WITH_CUES = frozenset({".mkv", ".webm"})

_TINY = 160 * 120
"""Pixels up to which an encoder's threads cost more than they bring (half the speed at 64×48)."""

SAMPLE_RATE = 48_000
SAMPLES_A_BLOCK = 4_800

_CODECS_WITHOUT_B_FRAMES = frozenset({Codec.VP9, Codec.AV1})


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What kind of file a clip is; the container follows from the file's suffix.

    `frame_rate` is the nominal rate, and the last picture stays for one frame of it unless `last_duration` says
    otherwise. `start` is added to every time. `rotation` is how far, in degrees clockwise, a player has to turn the
    stored picture (mp4 and mov keep it). `faststart` puts an mp4's index in front, and without `cues` an mkv or webm
    has neither index nor duration, as a live recording. `options` go to the encoder.
    """

    codec: Codec = Codec.H264
    frame_rate: Fraction = Fraction(25)
    start: Fraction = Fraction(0)
    last_duration: Fraction | None = None
    pixel_format: str = "yuv420p"
    b_frames: int = 0
    gop: int = 50
    rotation: int = 0
    sample_aspect_ratio: Fraction | None = None
    faststart: bool = False
    cues: bool = True
    audio: bool = False
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.b_frames and self.codec in _CODECS_WITHOUT_B_FRAMES:
            raise ValueError(f"{self.codec} has no B-frames")
        if self.start < 0 or self.frame_rate <= 0:
            raise ValueError("a clip starts at 0 or later and has a frame rate above 0")


def at_rate(rate: Fraction, pictures: Iterable[Picture]) -> Iterator[tuple[Fraction, Picture]]:
    """Give `pictures` the times of a constant `rate` (frames a second)."""
    return ((index / rate, picture) for index, picture in enumerate(pictures))


def write_clip(path: Path, spec: ClipSpec, frames: TimedPictures) -> Path:
    """Encode `frames` into the file `path` one by one, so that a clip may be of any length; returns `path`.

    Frames keep their times exactly in mp4 and mov where these are whole milliseconds or k / rate (others are rounded),
    to the millisecond in mkv and webm. An avi has no frame times: it takes only a constant rate from 0. Raises
    ValueError for what the container cannot hold, and for no frames.
    """
    _check(path.suffix, spec)
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise ValueError("a clip needs at least one frame")
    if spec.codec is Codec.AV1:
        # The encoder reports its settings on stderr, and this is its only switch; 1 is errors.
        os.environ.setdefault("SVT_LOG", "1")
    options = _muxer_options(path.suffix, spec)
    with kept_scheduling(), av.open(str(path), "w", options=options) as container:
        encoder = _Encoder(container, path.suffix, spec, first[1])
        for start, picture, end in _with_ends(itertools.chain([first], iterator), spec):
            encoder.write(start, picture, end)
        encoder.finish()
    return path


@contextmanager
def kept_scheduling() -> Iterator[None]:
    """Put back how this thread is scheduled.

    SVT-AV1 makes whoever opens it a real-time thread of the highest priority where it may (as root), and whatever that
    starts afterwards: a browser or a server that waits busily then stops everything else on the machine.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def _check(suffix: str, spec: ClipSpec) -> None:
    if suffix == ".avi" and spec.start:
        raise ValueError("an avi starts at 0")
    if suffix == ".avi" and spec.b_frames and spec.codec is not Codec.MPEG4:
        raise ValueError("an avi has no presentation times: only MPEG-4 can have B-frames in it")
    if suffix not in _WITH_EDIT_LISTS and spec.faststart:
        raise ValueError(f"{suffix} has no index that could stand in front")
    if suffix not in _WITH_CUES and not spec.cues:
        raise ValueError(f"{suffix} has no cues to leave out")


def _muxer_options(suffix: str, spec: ClipSpec) -> dict[str, str]:
    if not spec.cues:
        return {"live": "1"}
    if suffix not in _WITH_EDIT_LISTS:
        return {}
    # An edit list starts the track, in units of the movie's own time scale: milliseconds unless told otherwise.
    options = {"movie_timescale": str(_time_base(suffix, spec).denominator)}
    return options | ({"movflags": "+faststart"} if spec.faststart else {})


def _with_ends(frames: TimedPictures, spec: ClipSpec) -> Iterator[tuple[Fraction, Picture, Fraction]]:
    """Each frame with the time at which the next one replaces it."""
    previous: tuple[Fraction, Picture] | None = None
    for time, picture in frames:
        if previous is not None:
            if time <= previous[0]:
                raise ValueError(f"frame times must ascend: {time} follows {previous[0]}")
            yield *previous, time
        previous = time, picture
    if previous is not None:
        yield *previous, previous[0] + (spec.last_duration or 1 / spec.frame_rate)


class _Encoder:
    """One clip's streams while they are written."""

    def __init__(self, container: OutputContainer, suffix: str, spec: ClipSpec, first: Picture) -> None:
        self._container = container
        self._start, self._pixel_format = spec.start, spec.pixel_format
        self._time_base = _time_base(suffix, spec)
        self._video = _add_video(container, spec, first, self._time_base)
        self._sound = _add_sound(container, suffix) if spec.audio else None
        self._durations: dict[int, int] = {}
        self._in_decoding_order = suffix in _WITH_EDIT_LISTS
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        self._ticks = 0
        self._samples = 0

    def write(self, start: Fraction, picture: Picture, end: Fraction) -> None:
        """Encode the picture displayed from `start` to `end`, and the sound that goes with it."""
        frame = _video_frame(picture, self._pixel_format)
        frame.time_base, frame.pts = self._time_base, self._tick(start)
        # Encoders know when a frame starts, not how long it stays; without this the last one's stay is a guess.
        self._durations[frame.pts] = self._tick(end) - frame.pts
        self._ticks += self._durations[frame.pts]
        self._encode(frame)
        if self._sound:
            self._write_sound(self._sound, until=end)

    def finish(self) -> None:
        """Write what the encoders still hold."""
        self._encode(None)
        if self._last is not None:
            self._mux_last(self._last)
        if self._sound:
            self._container.mux(self._sound.encode(None))

    def _tick(self, time: Fraction) -> int:
        return round((self._start + time) / self._time_base)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        for packet in self._video.encode(frame):
            if self._first_dts is None:
                self._first_dts = packet.dts
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            if self._last is not None:
                self._container.mux(self._last)
            self._last = packet

    def _mux_last(self, packet: "Packet[VideoStream]") -> None:
        """An mp4 is as long as its decoding times: with B-frames the last of them has to make up what is missing."""
        if self._in_decoding_order and packet.dts is not None and self._first_dts is not None:
            packet.duration = self._ticks - (packet.dts - self._first_dts)
        self._container.mux(packet)

    def _write_sound(self, stream: AudioStream, until: Fraction) -> None:
        """A quiet tone beside the pictures so far."""
        while Fraction(self._samples, SAMPLE_RATE) < until:
            angles = np.arange(self._samples, self._samples + SAMPLES_A_BLOCK) * (2 * np.pi * 440 / SAMPLE_RATE)
            block = av.AudioFrame.from_ndarray((0.1 * np.sin(angles)).astype(np.float32)[None], "fltp", "mono")
            block.sample_rate, block.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
            block.pts = round(self._start * SAMPLE_RATE) + self._samples
            self._samples += SAMPLES_A_BLOCK
            self._container.mux(stream.encode(block))


def _video_frame(picture: Picture, pixel_format: str) -> av.VideoFrame:
    if picture.ndim == 2:
        return av.VideoFrame.from_ndarray(picture, format="gray")
    if pixel_format == "yuv420p" and picture.shape[0] % 2 == picture.shape[1] % 2 == 0:
        # The same BT.601 conversion as FFmpeg's, in a quarter of the time.
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
        return av.VideoFrame.from_ndarray(planes, format="yuv420p")
    return av.VideoFrame.from_ndarray(picture, format="rgb24")


def _time_base(suffix: str, spec: ClipSpec) -> Fraction:
    """Fine enough for every k / rate + start; an avi counts frames and can do no better."""
    if suffix == ".avi":
        return 1 / spec.frame_rate
    if spec.codec is Codec.MPEG4:
        # MPEG-4 part 2 stores times in at most 16 bits to the second.
        return Fraction(1, lcm(spec.frame_rate.numerator, spec.start.denominator))
    return Fraction(1, lcm(1000, spec.frame_rate.numerator, spec.start.denominator))


def _add_video(container: OutputContainer, spec: ClipSpec, first: Picture, time_base: Fraction) -> VideoStream:
    options = _FASTEST[spec.codec] | dict(spec.options)
    stream = container.add_stream(spec.codec.value, rate=spec.frame_rate, options=options)
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = spec.pixel_format
    if stream.height * stream.width <= _TINY:
        stream.thread_count = 1
    stream.time_base = stream.codec_context.time_base = time_base
    stream.gop_size, stream.max_b_frames = spec.gop, spec.b_frames
    if spec.sample_aspect_ratio:
        stream.codec_context.sample_aspect_ratio = spec.sample_aspect_ratio
    if spec.rotation:
        stream.set_display_rotation(-spec.rotation)
    return stream


def _add_sound(container: OutputContainer, suffix: str) -> AudioStream:
    return cast("AudioStream", container.add_stream(_SOUND.get(suffix, "aac"), rate=SAMPLE_RATE, layout="mono"))
