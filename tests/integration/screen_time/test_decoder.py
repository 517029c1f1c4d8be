"""The decoder's child process: the same as decoding here, and a video that breaks it harms nobody else."""

import io
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from demo.clips import ClipSpec, Codec, Picture, at_rate, write_clip
from demo.numbered import numbered_frame, read_number
from screen_time.decoder import ChildDecoder, _Child
from screen_time.decoder_bounds import DecoderBounds
from screen_time.decoding import Counters, Decoder, DecodingRequest, InProcessDecoder
from screen_time.errors import ErrorCode, TransientError, VideoError
from screen_time.manifest import Fit, InputSpec
from screen_time.samples import Extent, Part, VideoInfo
from screen_time.video_limits import VideoFile, VideoLimits

SPEC = InputSpec(48, 64, Fit.PAD)
REQUEST = DecodingRequest(SPEC)
RATE = Fraction(25)


class Found(NamedTuple):
    """Everything that decoding a video tells."""

    times: list[tuple[int, int, int]]
    images: bytes
    info: VideoInfo
    extent: Extent | None
    counters: Counters


def decode(
    decoder: Decoder, source: Path | VideoFile, request: DecodingRequest = REQUEST, *, outline: bool = False
) -> Found | VideoError:
    try:
        with decoder.open(source, request) as decoding:
            if outline:
                decoding.outline()
            samples = [(sample, sample.image.tobytes()) for sample in decoding.samples()]
            done = decoding.decoded()
    except VideoError as error:
        return error
    times = [(sample.index, sample.start_ms, sample.duration_ms) for sample, _ in samples]
    return Found(times, b"".join(image for _, image in samples), done.info, done.extent, done.counters)


def clip(path: Path, frames: int, spec: ClipSpec | None = None, size: tuple[int, int] = (64, 48)) -> Path:
    pictures: Iterator[Picture] = (numbered_frame(number, *size) for number in range(frames))
    return write_clip(path, spec or ClipSpec(), at_rate(RATE, pictures))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of every kind, and what is none."""
    folder = tmp_path_factory.mktemp("corpus")
    clip(folder / "h264.mp4", 90)
    clip(folder / "b-frames.mp4", 110, ClipSpec(b_frames=3))
    clip(folder / "film.mkv", 80, ClipSpec(frame_rate=Fraction(24000, 1001)))
    clip(folder / "hevc.mp4", 60, ClipSpec(codec=Codec.HEVC))
    clip(folder / "vp9.webm", 60, ClipSpec(codec=Codec.VP9))
    clip(folder / "av1.mp4", 60, ClipSpec(codec=Codec.AV1))
    clip(folder / "mpeg4.avi", 60, ClipSpec(codec=Codec.MPEG4, b_frames=2))
    clip(folder / "turned.mp4", 30, ClipSpec(rotation=90))
    clip(folder / "anamorphic.mp4", 30, ClipSpec(sample_aspect_ratio=Fraction(4, 3)))
    clip(folder / "one frame.mp4", 1)
    held = ((time, numbered_frame(int(time))) for time in (Fraction(0), Fraction(7, 2), Fraction(9)))
    write_clip(folder / "gaps.mp4", ClipSpec(), held)
    whole = clip(folder / "whole.mp4", 250, ClipSpec(faststart=True, gop=25)).read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (50, 120, 160, 3), dtype=np.uint8)
    write_clip(folder / "larger than any buffer.mp4", ClipSpec(), at_rate(RATE, iter(noise)))
    (folder / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    (folder / "damaged.mp4").write_bytes(whole[: len(whole) // 2] + bytes(300) + whole[len(whole) // 2 + 300 :])
    (folder / "no index.mp4").write_bytes(clip(folder / "behind.mp4", 50).read_bytes()[:-400])
    (folder / "text.mp4").write_bytes(b"hello, I am a text")
    (folder / "empty.mp4").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        DecodingRequest(InputSpec(32, 64, Fit.SQUEEZE), interval_ms=333),
        DecodingRequest(SPEC, part=Part(1, 3)),
        DecodingRequest(SPEC, limits=VideoLimits(seconds=2.5)),
    ],
    ids=["one a second", "three a second", "a part", "a limit"],
)
def test_a_child_process_finds_what_decoding_here_finds(corpus: Path, request_: DecodingRequest) -> None:
    """The same samples to the bit, the same errors, the same counters, over every kind of video."""
    for path in sorted(corpus.iterdir()):
        here, there = decode(InProcessDecoder(), path, request_), decode(ChildDecoder(), path, request_)
        if isinstance(here, VideoError):
            assert isinstance(there, VideoError), path.name
            assert there.code is here.code, path.name
        else:
            assert there == here, path.name


def test_a_video_outlined_first_gives_its_outline_and_the_same_samples(corpus: Path) -> None:
    """In one opening of the video what two openings tell, for every kind of video, here and in a child."""
    outlined = replace(REQUEST, outlined=True)
    decoders: list[Decoder] = [InProcessDecoder(), ChildDecoder()]
    for decoder, path in product(decoders, sorted(corpus.iterdir())):
        plain, found = decode(decoder, path), decode(decoder, path, outlined, outline=True)
        if isinstance(plain, VideoError):
            assert isinstance(found, VideoError), path.name
            assert found.code is plain.code, path.name
        else:
            assert found == plain, path.name
            with decoder.open(path, outlined) as decoding:
                assert decoding.outline() == decoder.outline(path, VideoLimits()), path.name


@pytest.fixture
def decoder() -> Iterator[ChildDecoder]:
    """A decoder whose next child is up already."""
    decoder = ChildDecoder(DecoderBounds(stall_seconds=1.0))
    decoder.prestart()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with more samples than the ring has slots, so that its child is still there when one is looked at."""
    spec = ClipSpec(gop=1, faststart=True, options=(("crf", "1"),))
    return clip(tmp_path_factory.mktemp("long") / "long.mp4", 2500, spec)


def pid(decoder: ChildDecoder) -> int:
    assert decoder._spare is not None
    return decoder._spare.process.pid


def failure(decoder: ChildDecoder, path: Path, act: int) -> VideoError:
    """What comes of sending the child a signal after the second sample."""
    child = pid(decoder)
    with pytest.raises(VideoError) as caught, decoder.open(path, REQUEST) as decoding:  # noqa: PT012
        for sample in decoding.samples():
            if sample.index == 1:
                os.kill(child, act)
    assert not Path(f"/proc/{child}").exists()
    return caught.value


def test_the_child_has_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that a video has taken over finds nothing to take away."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "RESULTS_BUCKET"):
        monkeypatch.setenv(name, "secret")
    decoder = ChildDecoder()
    decoder.prestart()
    try:
        end = time.monotonic() + 20
        while not (variables := Path(f"/proc/{pid(decoder)}/environ").read_bytes()) and time.monotonic() < end:
            time.sleep(0.01)  # it is about to become another program
    finally:
        decoder.close()
    assert b"PYTHONPATH=" in variables
    assert b"secret" not in variables


def test_the_child_opens_nothing_once_it_has_seen_a_byte_of_the_video(decoder: ChildDecoder, long: Path) -> None:
    """No file, no socket: the system refuses whatever a video makes its decoder ask for."""
    child = pid(decoder)
    with decoder.open(long, REQUEST) as decoding:
        next(decoding.samples())
        limits = Path(f"/proc/{child}/limits").read_text()
        opened = {str(each.readlink()) for each in Path(f"/proc/{child}/fd").iterdir() if each.name not in "012"}
    assert re.search(r"Max open files +0 +0 ", limits)
    assert re.search(r"Max file size +0 +0 ", limits)
    assert not [path for path in opened if path.startswith("/") and not path.startswith("/memfd:")]


def test_the_video_s_limits_bound_the_child_s_memory(tmp_path: Path) -> None:
    """They come from the settings, by way of the memory that the function has."""
    path = clip(tmp_path / "large.mp4", 3, size=(2560, 1440))
    request = DecodingRequest(SPEC, limits=VideoLimits(memory_bytes=24 * 2**20))
    error = decode(ChildDecoder(), path, request)
    assert isinstance(error, VideoError)
    assert error.code is ErrorCode.DECODER_FAILED


@pytest.mark.parametrize("act", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_is_an_error_of_its_video_only(decoder: ChildDecoder, long: Path, act: signal.Signals) -> None:
    """The next video gets a child of its own."""
    error = failure(decoder, long, act)
    assert error.code is ErrorCode.DECODER_FAILED
    assert act.name in str(error)
    assert isinstance(decode(decoder, long), Found)


def test_a_hang_is_an_error_of_its_video(decoder: ChildDecoder, long: Path) -> None:
    """A child that makes no progress is ended."""
    error = failure(decoder, long, signal.SIGSTOP)
    assert error.code is ErrorCode.DECODER_FAILED
    assert "no progress for 1 seconds" in str(error)


def test_a_slow_consumer_is_no_hang(decoder: ChildDecoder, long: Path) -> None:
    """A child whose frames nobody takes waits, however long that lasts."""
    with decoder.open(long, REQUEST) as decoding:
        samples = decoding.samples()
        first = next(samples)
        time.sleep(1.5)
        assert [first.index, *(sample.index for sample in samples)] == list(range(100))


def test_too_much_memory_is_an_error_of_its_video(tmp_path: Path) -> None:
    """A large picture within a small bound."""
    path = clip(tmp_path / "large.mp4", 3, size=(2560, 1440))
    error = decode(ChildDecoder(DecoderBounds(memory_bytes=24 * 2**20)), path)
    assert isinstance(error, VideoError)
    assert error.code is ErrorCode.DECODER_FAILED
    assert isinstance(decode(ChildDecoder(), path), Found)


def test_too_much_processor_time_is_an_error_of_its_video(tmp_path: Path) -> None:
    """The system ends it, whatever it is doing."""
    path = clip(tmp_path / "large.mp4", 100, size=(2560, 1440))
    error = decode(ChildDecoder(DecoderBounds(cpu_seconds=1)), path, DecodingRequest(SPEC, interval_ms=1))
    assert isinstance(error, VideoError)
    assert (error.code, str(error)) == (
        ErrorCode.DECODER_FAILED,
        "Decoding the video takes more than 1 seconds of processor time.",
    )


class Failing(io.BytesIO):
    """A file whose bytes behind `good` cannot be read."""

    def __init__(self, data: bytes, good: int, error: Exception) -> None:
        super().__init__(data)
        self._good, self._error = good, error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > self._good:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("decoder_", [ChildDecoder(), InProcessDecoder()], ids=["child", "here"])
@pytest.mark.parametrize("good", [-1, 200_000])
def test_what_reading_raises_is_raised_as_it_is(long: Path, decoder_: Decoder, good: int) -> None:
    """S3 not answering is no property of the video: the queue tries again."""
    data = long.read_bytes()
    assert len(data) > 400_000
    source = Failing(data, good, TransientError("S3 answers SlowDown."))
    with pytest.raises(TransientError, match="SlowDown"), decoder_.open(source, REQUEST) as decoding:
        list(decoding.samples())


def descriptors_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def first_number(decoder: ChildDecoder, file: VideoFile) -> int:
    """Look at the first sample only."""
    with decoder.open(file, REQUEST) as decoding:
        return read_number(next(decoding.samples()).image)


def test_a_decoding_that_is_left_early_leaves_nothing_behind(decoder: ChildDecoder, long: Path) -> None:
    """No process, no descriptor, no thread, and the file is closed."""
    decoder.close()
    descriptors, threads = descriptors_open(), threading.active_count()
    decoder.prestart()
    child, file = pid(decoder), long.open("rb")
    assert first_number(decoder, file) == 0
    assert file.closed
    assert not Path(f"/proc/{child}").exists()
    assert descriptors_open() <= descriptors  # fewer, where something from before was collected meanwhile
    assert threading.active_count() <= threads


def test_threads_may_share_a_decoder(decoder: ChildDecoder, monkeypatch: pytest.MonkeyPatch, long: Path) -> None:
    """Each has a child of its own, also where several find the one that was started ahead."""

    def slow_to_tell(child: _Child) -> bool:
        alive = child.process.poll() is None
        time.sleep(0.2)
        return alive

    monkeypatch.setattr(_Child, "alive", property(slow_to_tell))
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: first_number(decoder, long.open("rb")), range(3))) == [0] * 3


def test_a_child_ends_with_its_parent() -> None:
    """A function that is killed cannot clean up."""
    decoder = ChildDecoder()
    decoder.prestart()
    assert decoder._spare is not None
    process = decoder._spare.process
    decoder._spare.connection.close()  # what the system does to a killed process's descriptors
    assert process.wait(timeout=60) == 0
    os.close(decoder._spare.memory)


def test_a_child_that_does_not_start_is_no_fault_of_the_video(
    monkeypatch: pytest.MonkeyPatch, long: Path, tmp_path: Path
) -> None:
    """The queue tries again."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(broken))
    with pytest.raises(TransientError, match="status 3"), ChildDecoder().open(long, REQUEST) as decoding:
        list(decoding.samples())


def test_frames_are_the_model_s_input(corpus: Path) -> None:
    """Whatever the video's size."""
    with ChildDecoder().open(corpus / "turned.mp4", DecodingRequest(InputSpec(100, 40, Fit.SQUEEZE))) as decoding:
        assert [sample.image.shape for sample in decoding.samples()] == [(100, 40, 3)] * 2
        assert decoding.decoded().info.rotation != 0
