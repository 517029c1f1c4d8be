"""Files with no video stream, with several, or with other things in front of it."""

import io
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition

from demo.clips import ClipSpec
from demo.numbered import numbered_frame
from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import Box, edited, parse
from tests.hostile.files.case import Case, Measured, made, measured, refused
from tests.hostile.files.clips import clip, frame_of, pictures, video_stream

NO_STREAM = refused(ErrorCode.NO_VIDEO_STREAM)
TOO_MANY = refused(ErrorCode.NOT_A_VIDEO, ErrorCode.DECODER_FAILED)
"""FFmpeg's word for more than a thousand streams is that memory is short."""

SECOND = 25
"""Pictures of a second."""

Writer = Callable[[OutputContainer], None]


def _file(container: str, *writers: Callable[[OutputContainer], Writer]) -> bytes:
    """A file with one stream for each writer, in this order; all streams are added before the first is written."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        for write in [add(output) for add in writers]:
            write(output)
    return file.getvalue()


def _video(first: int, seconds: int = 3, disposition: Disposition | None = None) -> Callable[[OutputContainer], Writer]:
    def add(output: OutputContainer) -> Writer:
        stream = video_stream(output, "libx264", numbered_frame(0), options={"preset": "ultrafast"})
        if disposition is not None:
            stream.disposition = disposition

        def write(output: OutputContainer) -> None:
            for image in pictures(seconds * SECOND, first):
                output.mux(stream.encode(frame_of(image)))
            output.mux(stream.encode(None))

        return write

    return add


def _cover(output: OutputContainer) -> Writer:
    """A picture of the disc, which containers keep as a video stream of one frame."""
    stream = video_stream(output, "mjpeg", numbered_frame(99), "yuvj420p")
    stream.disposition = Disposition.attached_pic

    def write(output: OutputContainer) -> None:
        output.mux(stream.encode(frame_of(numbered_frame(99))))
        output.mux(stream.encode(None))

    return write


def _sound(output: OutputContainer) -> Writer:
    stream = output.add_stream("aac", rate=48000, layout="mono")

    def write(output: OutputContainer) -> None:
        for block in range(60):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2400), dtype=np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, block * 2400, Fraction(1, 48000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    return write


def _subtitles(output: OutputContainer) -> Writer:
    """A line of text for each second; PyAV opens no encoder for it, so another file's stream is its template."""
    source = av.open(io.BytesIO(b"1\n00:00:00,000 --> 00:00:00,900\nhello\n\n"), "r", format="srt")
    stream = output.add_stream_from_template(source.streams.subtitles[0])

    def write(output: OutputContainer) -> None:
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
        source.close()

    return write


def _many_tracks(count: int) -> bytes:
    """An MP4 whose one track is there many times, all of them pointing to the same pictures."""
    boxes = parse(clip())
    moov = next(box for box in boxes if box.kind == b"moov")
    track = next(box for box in moov.children if box.kind == b"trak")
    moov.children += [track] * (count - 1)
    return b"".join(map(bytes, boxes))


def _unknown_codec() -> bytes:
    """A codec that nobody has heard of."""

    def rename(moov: Box) -> None:
        description = moov.find("trak/mdia/minf/stbl/stsd")
        description.body = description.body[:12] + b"zzzz" + description.body[16:]

    return edited(clip(), rename)


CASES = [
    Case("sound-only-mp4", made(lambda: _file("mp4", _sound)), NO_STREAM),
    Case("sound-only-mkv", made(lambda: _file("matroska", _sound)), NO_STREAM),
    Case("sound-with-cover-art", made(lambda: _file("mp4", _sound, _cover)), NO_STREAM),
    Case("cover-art-in-front-of-the-video", made(lambda: _file("mp4", _cover, _video(0))), measured(3, 0, 25, 50)),
    Case("subtitles-only", made(lambda: _file("matroska", _subtitles)), NO_STREAM),
    Case("subtitles-first", made(lambda: _file("matroska", _subtitles, _sound, _video(0))), measured(3, 0, 25, 50)),
    Case("two-video-streams", made(lambda: _file("mp4", _video(0), _video(500, 2))), measured(3, 0, 25, 50)),
    Case(
        "two-video-streams-of-which-the-second-is-the-default",
        made(lambda: _file("matroska", _video(0, 3, Disposition(0)), _video(500, 2, Disposition.default))),
        measured(2, 500, 525),
    ),
    Case("a-hundred-video-tracks", made(lambda: _many_tracks(100)), Measured(3000, (0, 25, 50))),
    Case("five-thousand-video-tracks", made(lambda: _many_tracks(5000)), TOO_MANY),
    Case("unknown-codec", made(_unknown_codec), refused(ErrorCode.UNSUPPORTED_CODEC)),
    Case(
        "sound-longer-than-the-video",
        made(lambda: clip(30, ".mp4", ClipSpec(gop=25, audio=True))),
        measured(1.2, 0, 25),
    ),
]
