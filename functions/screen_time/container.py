"""A video's container, opened so that it can open nothing else, and the stream in it that is measured."""

import contextlib
import errno
import io
from fractions import Fraction
from typing import BinaryIO, cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from screen_time import processors
from screen_time.errors import ErrorCode, VideoError
from screen_time.mp4_index import check_index
from screen_time.video_limits import VideoFile, VideoLimits

CONTAINERS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,gif"
"""FFmpeg's demuxers that read what people call a video file; playlists and still images are none."""

STILL_BRANDS = frozenset({"avif", "heic", "heix", "heim", "heis", "mif1", "mif2", "jpeg", "crx"})
"""Kinds of MP4 that hold still images: AVIF, HEIC and what cameras make of them."""

CODECS = frozenset(
    "h264 hevc vp8 vp9 av1 mpeg4 mpeg2video mpeg1video msmpeg4v2 msmpeg4v3 h263 wmv2 wmv3 vc1 prores dnxhd mjpeg "
    "theora flv1 ffv1 huffyuv utvideo rawvideo gif".split()
)


def open_stream(file: VideoFile, limits: VideoLimits) -> tuple[InputContainer, VideoStream]:
    """Open `file` and choose the video stream: the one marked as default, else the first; cover art is none.

    Raises VideoError where there is none, or where the file's own claims are beyond `limits` or not supported: nothing
    but what FFmpeg needs to know the streams has been decoded then.
    """
    check_index(file, limits)
    container = _open(file, limits)
    try:
        stream = _video_stream(container)
        _check_stream(stream, limits)
    except BaseException:
        container.close()
        raise
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = processors.available()
    # The container's options reach its probes only.
    stream.codec_context.options = {"max_pixels": str(limits.pixels)}
    return container, stream


def declared_seconds(stream: VideoStream) -> Fraction:
    """The stream's duration by its header, or by the tag that Matroska's writers leave; 0 where it has none."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    try:
        hours, minutes, seconds = stream.metadata.get("DURATION", "").strip("\0").split(":")
        end = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
    # FFmpeg writes when the last frame ends, others how long it is from the first one: the lesser claim of the two.
    started = (stream.start_time or 0) * (stream.time_base or Fraction(0))
    return max(end - started, Fraction(0))


def coded_size(packet: "Packet[VideoStream]", stream: VideoStream) -> tuple[int, int]:
    """Width and height by the headers in `packet`, whose pictures are not decoded; 0 × 0 where they do not tell."""
    header = cast("VideoCodecContext", CodecContext.create(stream.codec.name, "r"))
    header.extradata = stream.codec_context.extradata
    header.thread_count, header.skip_frame = 1, "ALL"
    with contextlib.suppress(av.error.FFmpegError, ValueError):
        header.decode(packet)
    return header.width, header.height


def check_pixels(width: int, height: int, limits: VideoLimits) -> None:
    """Raise VideoError where a frame is larger than the limit."""
    if width * height > limits.pixels:
        raise VideoError(
            ErrorCode.TOO_MANY_PIXELS, f"A frame of {width}×{height} is over the limit of {limits.pixels} pixels."
        )


class _QuietFile:
    """A file as PyAV reads it, which refuses a seek to in front of its beginning by a number.

    PyAV writes a traceback on stderr for each exception but the last, and a damaged file makes it seek there often.
    """

    def __init__(self, file: VideoFile) -> None:
        self._file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -errno.EINVAL


def raise_out_of_memory(error: av.error.FFmpegError | OSError) -> None:
    """Raise MemoryError where that is what `error` means: it says nothing of the video's format."""
    if error.errno in (errno.ENOMEM, errno.EAGAIN):  # the latter where no thread can be started for want of memory
        raise MemoryError from error


def _open(file: VideoFile, limits: VideoLimits) -> InputContainer:
    # All three guards: FFmpeg was seen to open addresses of playlists where any one of them was missing.
    options = {
        "format_whitelist": CONTAINERS,
        "protocol_whitelist": "",
        "max_pixels": str(limits.pixels),
    }
    try:
        return av.open(_QuietFile(file), mode="r", options=options, io_open=_refuse_to_open, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:  # OSError: a header that points in front of the file
        raise_out_of_memory(error)
        raise VideoError(ErrorCode.NOT_A_VIDEO, f"The file is no video that can be read: {error.strerror}.") from error


def _refuse_to_open(*_request: object) -> BinaryIO:
    raise PermissionError("a video may not open other files or addresses")


def _video_stream(container: InputContainer) -> VideoStream:
    if not len(container.streams):
        raise VideoError(ErrorCode.NOT_A_VIDEO, "The file is no video that can be read: it holds no streams.")
    if container.metadata.get("major_brand", "").strip() in STILL_BRANDS:
        raise VideoError(ErrorCode.NOT_A_VIDEO, "The file is a still image.")
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoError(ErrorCode.NO_VIDEO_STREAM, "The file has no video stream.")
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])


def _check_stream(stream: VideoStream, limits: VideoLimits) -> None:
    codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
    if stream.codec_context is None or stream.codec.canonical_name not in CODECS:
        raise VideoError(ErrorCode.UNSUPPORTED_CODEC, f"The video's codec, {codec}, is not supported.")
    check_pixels(stream.width, stream.height, limits)
    if declared_seconds(stream) > limits.seconds:
        raise VideoError(ErrorCode.TOO_LONG, f"The video is longer than the limit of {limits.seconds:g} seconds.")
