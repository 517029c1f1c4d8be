"""A video file as a stream of samples: one upright frame for each interval of presentation time."""

import io
import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from screen_time.errors import ErrorCode, VideoError
from screen_time.preprocessing import Frame

VideoFile = BinaryIO | io.RawIOBase
"""A readable and seekable binary stream."""

CONTAINERS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,gif"
"""FFmpeg's demuxers that read what people call a video file; playlists and still images are none."""

CODECS = frozenset(
    "h264 hevc vp8 vp9 av1 mpeg4 mpeg2video mpeg1video msmpeg4v2 msmpeg4v3 h263 wmv2 wmv3 vc1 prores dnxhd mjpeg "
    "theora flv1 ffv1 huffyuv utvideo rawvideo gif".split()
)

FALLBACK_FRAME_SECONDS = Fraction(1, 25)
"""How long a frame lasts of which neither packet, neighbour nor frame rate tells."""

WIDEST_PIXEL = 4
"""Anamorphic pixels up to this ratio are made square; what lies beyond is a damaged header."""

WHOLE = Fraction(98, 100)
"""A video that ends before this share of its declared duration (and a second before it) was cut off."""

SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Containers that state presentation times and find key frames by them; others are read from their start."""

KEY_FRAMES_TRIED = 8
"""Key frames, each before the last, that a part tries to start from before it reads the video from its start."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """The largest video that is read: seconds of presentation time, and pixels of one frame."""

    seconds: float = 6 * 3600
    pixels: int = 8192 * 4320


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


class Video:
    """An open video, read once from its start to its end; a context manager.

    `frames_decoded` and `corrupt_packets` count while it is read; `truncated` tells that its data ended too early, and
    `extent` where the samples begin and end (None while there are none).
    """

    def __init__(self, container: InputContainer, stream: VideoStream, limits: VideoLimits, file: VideoFile) -> None:
        self._container, self._stream, self._limits, self._file = container, stream, limits, file
        self.frames_decoded = 0
        self.corrupt_packets = 0
        self.truncated = False
        self.extent: Extent | None = None
        self._frames = self._decode(self._packets())
        first = next(self._frames, None)
        if first is None:
            raise VideoError(ErrorCode.NO_FRAMES, "No frame of the video can be decoded.")
        self._first = first
        self.info = _info(container, stream, first)

    @classmethod
    def open(cls, source: Path | VideoFile, limits: VideoLimits | None = None) -> Self:
        """Open a file, or a readable and seekable binary stream, and decode its first frame.

        Raises VideoError where it is no video, has no video stream, or is beyond `limits`.
        """
        limits = limits or VideoLimits()
        file = source.open("rb") if isinstance(source, Path) else source
        try:
            container = _open_container(file, limits)
            stream = _video_stream(container)
            _check_stream(stream, limits)
            stream.thread_type = "AUTO"
            return cls(container, stream, limits, file)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def outline(self, apart_ms: int = 1000) -> Outline:
        """What the container says of its length and its key frames; nothing can be sampled afterwards.

        Key frames nearer to the last one than `apart_ms` are left out.
        """
        if self._container.format.name not in SEEKABLE or not self._stream.time_base:
            return Outline(self.info, self._declared_ms(), ())
        with suppress(av.error.FFmpegError):  # Matroska's cues are read when something is looked for
            self._container.seek(self._first.pts or 0, stream=self._stream)
        entries = [entry for entry in self._stream.index_entries if entry.is_keyframe]
        size = self._file.seek(0, io.SEEK_END)
        if any(one.pos > other.pos for one, other in itertools.pairwise(entries)):
            return Outline(self.info, self._declared_ms(), ())  # not stored in order: no part lies in one piece
        # Counted from the first one: an mp4's index has decoding times, which precede presentation by a constant.
        times = (entry.timestamp - entries[0].timestamp for entry in entries if entry.pos < size)
        keys_ms = (math.ceil(time * self._stream.time_base * 1000) for time in times)
        return Outline(self.info, self._declared_ms(), tuple(_apart(keys_ms, apart_ms)))

    def close(self) -> None:
        """Close the decoder and the stream it read from."""
        self._container.close()
        self._file.close()

    def samples(self, interval_ms: int = 1000, part: Part = WHOLE_VIDEO) -> Iterator[Sample]:
        """Yield a sample for each `interval_ms` of presentation time, in order; usable once.

        Time 0 is the first frame's. Sample k is the last frame whose time is not after k intervals. It stands for the
        interval that follows, the last sample for what is left, so durations add up to the video's duration. Only one
        frame is held while the next is decoded. A `part` gives the same samples as the whole has at its indices, none
        where the video ends before them. Raises VideoError beyond the limits.
        """
        if interval_ms < 1:
            raise ValueError("the sampling interval must be at least 1 ms")
        pending: Sample | None = None
        index = part.first
        end_ms = 0
        for frame, at, until in self._displayed(Fraction(part.first * interval_ms, 1000)):
            image: Frame | None = None
            while index * interval_ms < until * 1000:
                if pending is not None:
                    yield pending
                if index == part.stop:
                    self.extent = self.extent and replace(self.extent, next_frame=at)
                    return
                if image is None:
                    image = _upright_rgb(frame, self._stream)
                self.extent = self.extent or Extent(at, None)
                pending = Sample(index, index * interval_ms, interval_ms, image)
                index += 1
            end_ms = int(until * 1000)
        if pending is not None:
            yield replace(pending, duration_ms=end_ms - pending.start_ms)

    def _displayed(self, start: Fraction) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
        """Each frame with the times, in seconds after the first frame, from and until which it is on display.

        Begins with a frame that is on display at `start` or before. The last one's end is that of the video, rounded
        to a whole millisecond.
        """
        origin = _time(self._first, self._stream) or Fraction(0)
        found = self._seek(start, origin) if start > 0 else None
        shown, shown_at, frames = found or (self._first, Fraction(0), self._frames)
        lasts = _duration(shown, self._stream)
        for frame in frames:
            time = _time(frame, self._stream)
            at = shown_at + lasts if time is None else time - origin
            if at <= shown_at:  # damaged time stamps run backwards: the frame was never on display
                continue
            self._check_length(at)
            yield shown, shown_at, at
            lasts = _duration(frame, self._stream) or at - shown_at
            shown, shown_at = frame, at
        end = shown_at + (lasts or FALLBACK_FRAME_SECONDS)
        self._check_length(end)
        self.truncated |= end < _declared_seconds(self._stream) * WHOLE - 1
        yield shown, shown_at, Fraction(max(1, round(end * 1000)), 1000)

    def _seek(self, start: Fraction, origin: Fraction) -> tuple[VideoFrame, Fraction, Iterator[VideoFrame]] | None:
        """A frame at or before `start` that can be decoded without those before it, its time, and those after it.

        None where the video is to be read from its start, which it then is.
        """
        if self._container.format.name not in SEEKABLE or self._stream.time_base is None:
            return None
        target = math.floor((origin + start) / self._stream.time_base)
        for _ in range(KEY_FRAMES_TRIED):
            try:
                self._container.seek(target, stream=self._stream)
            except av.error.FFmpegError:
                break
            key, frames = self._decode_from_key()
            first = next(frames, None)
            time = None if first is None else _time(first, self._stream)
            if first is not None and time is not None and time - origin <= start:
                return first, time - origin, frames
            if key is None:
                break
            target = min(key, target) - 1
        self._restart()
        return None

    def _declared_ms(self) -> int:
        """The declared duration; of a container that has one for all its streams (and counts from 0), that one's."""
        seconds = _declared_seconds(self._stream)
        if not seconds and self._container.duration is not None:
            started = _time(self._first, self._stream) or 0
            seconds = max(Fraction(0), Fraction(self._container.duration, av.time_base) - started)
        return round(seconds * 1000)

    def _check_length(self, seconds: Fraction) -> None:
        if seconds > self._limits.seconds:
            raise VideoError(
                ErrorCode.TOO_LONG, f"The video is longer than the limit of {self._limits.seconds:g} seconds."
            )

    def _decode_from_key(self) -> tuple[int | None, Iterator[VideoFrame]]:
        """The time of the next packet, which begins what can be decoded by itself, and the frames from it on.

        Frames that precede it in presentation were coded with the help of others before it, which are missing now.
        The time is None where the packet is no such beginning.
        """
        packets = self._packets()
        packet = next(packets)
        if packet is None or packet.pts is None or not packet.is_keyframe:
            return None, iter(())
        key = packet.pts
        frames = self._decode(itertools.chain([packet], packets))
        return key, itertools.dropwhile(lambda frame: frame.is_corrupt or (frame.pts or 0) < key, frames)

    def _restart(self) -> None:
        """Open the file anew and decode its first frame, as a whole video is read."""
        self._container.close()
        self._file.seek(0)
        self._container = _open_container(self._file, self._limits)
        self._stream = _video_stream(self._container)
        self._stream.thread_type = "AUTO"
        self._frames = self._decode(self._packets())
        next(self._frames, None)

    def _decode(self, packets: "Iterator[Packet[VideoStream] | None]") -> Iterator[VideoFrame]:
        """Every frame that can be decoded, in order of presentation; what cannot is counted and passed over."""
        for packet in packets:
            try:
                frames = self._stream.decode(packet)
            except av.error.InvalidDataError:
                self.corrupt_packets += 1
                continue
            except av.error.FFmpegError as error:
                raise VideoError(
                    ErrorCode.UNSUPPORTED_CODEC, f"The video cannot be decoded: {error.strerror}."
                ) from error
            for frame in frames:
                _check_pixels(frame.width, frame.height, self._limits)
                self.frames_decoded += 1
                yield frame

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The stream's packets, as far as they can be read, and then None, which flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except (av.error.FFmpegError, OSError):
            self.truncated = True
        yield None


def _open_container(file: VideoFile, limits: VideoLimits) -> InputContainer:
    # All three guards: FFmpeg was seen to open addresses of playlists where any one of them was missing.
    options = {
        "format_whitelist": CONTAINERS,
        "protocol_whitelist": "",
        "max_pixels": str(limits.pixels),
    }
    try:
        return av.open(file, mode="r", options=options, io_open=_refuse_to_open, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:  # OSError: a header that points in front of the file
        raise VideoError(ErrorCode.NOT_A_VIDEO, f"The file is no video that can be read: {error.strerror}.") from error


def _refuse_to_open(*_request: object) -> BinaryIO:
    raise PermissionError("a video may not open other files or addresses")


def _video_stream(container: InputContainer) -> VideoStream:
    """The stream marked as default, else the first; cover art is no video."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        container.close()
        raise VideoError(ErrorCode.NO_VIDEO_STREAM, "The file has no video stream.")
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])


def _check_stream(stream: VideoStream, limits: VideoLimits) -> None:
    """Refuse by what the file claims, before anything is decoded."""
    codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
    if stream.codec_context is None or stream.codec.canonical_name not in CODECS:
        raise VideoError(ErrorCode.UNSUPPORTED_CODEC, f"The video's codec, {codec}, is not supported.")
    _check_pixels(stream.width, stream.height, limits)
    if _declared_seconds(stream) > limits.seconds:
        raise VideoError(ErrorCode.TOO_LONG, f"The video is longer than the limit of {limits.seconds:g} seconds.")


def _check_pixels(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.pixels:
        raise VideoError(
            ErrorCode.TOO_MANY_PIXELS, f"A frame of {width}×{height} is over the limit of {limits.pixels} pixels."
        )


def _info(container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    height, width = _upright_rgb(first, stream).shape[:2]
    return VideoInfo(
        container=container.format.name,
        codec=stream.codec.canonical_name,
        width=width,
        height=height,
        rotation=first.rotation,
        frame_rate=stream.average_rate,
    )


def _declared_seconds(stream: VideoStream) -> Fraction:
    """The stream's duration by its header; 0 where it has none."""
    if stream.duration is None or stream.time_base is None:
        return Fraction(0)
    return stream.duration * stream.time_base


def _apart(times_ms: Iterable[int], apart_ms: int) -> Iterator[int]:
    """Those of ascending times that are at least `apart_ms` after the one before."""
    last: int | None = None
    for time in times_ms:
        if last is None or time - last >= apart_ms:
            yield time
            last = time


def _time(frame: VideoFrame, stream: VideoStream) -> Fraction | None:
    """A frame's presentation time in seconds, as its container counts."""
    stamp = frame.pts if frame.pts is not None else frame.dts
    return None if stamp is None else stamp * _time_base(frame, stream)


def _duration(frame: VideoFrame, stream: VideoStream) -> Fraction:
    """A frame's duration in seconds, by its packet or else by the stream's rate; 0 where neither tells."""
    if frame.duration > 0:
        return frame.duration * _time_base(frame, stream)
    rate = stream.average_rate or stream.guessed_rate
    return 1 / rate if rate else Fraction(0)


def _time_base(frame: VideoFrame, stream: VideoStream) -> Fraction:
    """The unit of a frame's times; the frames that a decoder still held at the end do not carry theirs."""
    return frame.time_base or stream.time_base or Fraction(1, 1000)


def _upright_rgb(frame: VideoFrame, stream: VideoStream) -> Frame:
    """The frame as displayed: pixels made square, turned as its metadata says, 8-bit RGB."""
    image = frame.to_ndarray(format="rgb24")
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1 and 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL:
        width = max(1, round(image.shape[1] * aspect))
        image = np.asarray(cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return np.rot90(image, k=round(frame.rotation / 90) % 4)
