"""A video file as a stream of samples: one upright frame for each interval of presentation time."""

import io
import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from screen_time.container import check_pixels, coded_size, declared_seconds, open_stream, raise_out_of_memory
from screen_time.errors import ErrorCode, VideoError
from screen_time.needed_frames import DISPENSABLE, Grid, Needed
from screen_time.samples import WHOLE_VIDEO, Extent, Frame, Outline, Part, Sample, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits

FALLBACK_FRAME_SECONDS = Fraction(1, 25)
"""How long a frame lasts of which neither packet, neighbour nor frame rate tells."""

WIDEST_PIXEL = 4
"""Anamorphic pixels up to this ratio are made square; what lies beyond is a damaged header."""

CUT_SHARE, CUT_SECONDS = Fraction(2, 100), Fraction(1, 4)
"""A video that ends earlier than it declared, by this share of it and by these seconds, was cut off."""

HEADERS_READ = 50
"""How many packets that cannot be decoded are looked at to see whether their frames are too large."""

GIVE_UP_AFTER = 5_000
"""Packets in a row that cannot be decoded: minutes of a video, after which nothing good is expected of the rest."""

SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Containers that state presentation times and find key frames by them; others are read from their start."""

KEY_FRAMES_TRIED = 8
"""Key frames, each before the last, that a part tries to start from before it reads the video from its start."""


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
        self._packets_read = 0
        self._needed = Needed()
        self._first_packet: Packet[VideoStream] | None = None
        self.extent: Extent | None = None
        self._frames = self._decode(self._packets())
        first = next(self._frames, None)
        if first is None:
            self._check_refused(self._first_packet)  # with several threads a decoder may not say that it refuses
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
            container, stream = open_stream(file, limits)
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
        """What the container says of its length and its key frames, before anything is sampled.

        Key frames nearer to the last one than `apart_ms` are left out.
        """
        if self._container.format.name not in SEEKABLE or not self._stream.time_base:
            return Outline(self.info, self._declared_ms(), ())
        size = self._size()
        keys = self._key_entries()
        if any(one > other for (_, one), (_, other) in itertools.pairwise(keys)):
            return Outline(self.info, self._declared_ms(), ())  # not stored in order: no part lies in one piece
        # Counted from the first one: an mp4's index has decoding times, which precede presentation by a constant.
        times = (time - keys[0][0] for time, position in keys if position < size)
        keys_ms = (math.ceil(time * self._stream.time_base * 1000) for time in times)
        return Outline(self.info, self._declared_ms(), tuple(_apart(keys_ms, apart_ms)))

    def _size(self) -> int:
        """The file's bytes; the demuxer, which reads on from where it was, finds the file there."""
        position = self._file.tell()
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(position)
        return size

    def _key_entries(self) -> list[tuple[int, int]]:
        """Time stamps and positions of the index's key frames; the video is read from its start afterwards."""
        with suppress(av.error.FFmpegError):  # Matroska's cues are read when something is looked for
            self._container.seek(self._first.pts or 0, stream=self._stream)
        keys = [(entry.timestamp, entry.pos) for entry in self._stream.index_entries if entry.is_keyframe]
        decoded = self.frames_decoded
        self._restart()
        self.frames_decoded = decoded
        return keys

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
        self._leave_out_between(interval_ms)
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

    def _leave_out_between(self, interval_ms: int) -> None:
        """From now on decode no frame that is neither a sample nor needed for one, where the codec tells them apart."""
        origin, unit = self._first.pts, self._stream.time_base
        if origin is None or not unit or self._stream.codec.canonical_name not in DISPENSABLE:
            return
        if _time_base(self._first, self._stream) == unit:
            self._needed.grid = Grid(origin, Fraction(interval_ms, 1000) / unit)

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
        declared = declared_seconds(self._stream)
        self.truncated |= end < declared - max(declared * CUT_SHARE, CUT_SECONDS)
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
        seconds = declared_seconds(self._stream)
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
        self._needed.restart()
        frames = self._decode(itertools.chain([packet], packets))
        return key, itertools.dropwhile(lambda frame: frame.is_corrupt or (frame.pts or 0) < key, frames)

    def _restart(self) -> None:
        """Open the file anew and decode its first frame, as a whole video is read."""
        self._container.close()
        self._file.seek(0)
        self._container, self._stream = open_stream(self._file, self._limits)
        self._needed.restart()
        self._frames = self._decode(self._packets())
        next(self._frames, None)

    def _decode(self, packets: "Iterator[Packet[VideoStream] | None]") -> Iterator[VideoFrame]:
        """Every frame that can be decoded, in order of presentation; what cannot is counted and passed over."""
        corrupt_in_a_row = 0
        for packet, needed in self._needed.judge(packets):
            self._stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            try:
                frames = self._stream.decode(packet)
            except (av.error.InvalidDataError, av.error.ArgumentError):
                self._check_refused(packet)
                self.corrupt_packets += 1
                corrupt_in_a_row += 1
                if corrupt_in_a_row == GIVE_UP_AFTER:
                    self.truncated = True
                    return
                continue
            except av.error.FFmpegError as error:
                raise_out_of_memory(error)
                raise VideoError(
                    ErrorCode.UNSUPPORTED_CODEC, f"The video cannot be decoded: {error.strerror}."
                ) from error
            for frame in frames:
                corrupt_in_a_row = 0
                self._check_frame(frame)
                self.frames_decoded += 1
                yield frame

    def _check_refused(self, packet: "Packet[VideoStream] | None") -> None:
        """Tell a frame that the decoder found too large from one that is damaged: its refusals look the same."""
        if packet is not None and self.corrupt_packets <= HEADERS_READ:
            check_pixels(*coded_size(packet, self._stream), self._limits)

    def _check_frame(self, frame: VideoFrame) -> None:
        check_pixels(frame.width, frame.height, self._limits)
        check_pixels(_displayed_width(frame.width, self._stream), frame.height, self._limits)

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The stream's packets, as far as they can be read, and then None, which flushes the decoder."""
        try:
            for packet in self._container.demux(self._stream):
                self._packets_read += 1
                if self._packets_read > self._limits.frames:
                    raise VideoError(
                        ErrorCode.TOO_MANY_FRAMES, f"The video has more than the limit of {self._limits.frames} frames."
                    )
                if packet.size:
                    self._first_packet = self._first_packet or packet
                    yield packet
        except (av.error.FFmpegError, OSError) as error:
            raise_out_of_memory(error)
            self.truncated = True
        except IndexError:
            pass  # PyAV at the end of a file of which more streams came to light while it was read
        yield None


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
    try:
        image = frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(
            ErrorCode.UNSUPPORTED_CODEC, f"The video's pixels, {frame.format.name}, cannot be converted."
        ) from error
    height, width = image.shape[:2]
    displayed = _displayed_width(width, stream)
    if displayed != width:
        image = np.asarray(cv2.resize(image, (displayed, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return np.rot90(image, k=round(frame.rotation / 90) % 4)


def _displayed_width(width: int, stream: VideoStream) -> int:
    """How many square pixels are as wide as `width` of the stream's."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL:
        return width
    return max(1, round(width * aspect))
