"""Measures one file in a process of its own that has a bound on memory, processor time and wall time."""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from demo.numbered import read_number
from screen_time.decoder import ChildDecoder
from screen_time.decoding import DecodingRequest
from screen_time.errors import ErrorCode, VideoError
from screen_time.manifest import Fit, InputSpec
from screen_time.preprocessing import prepare
from screen_time.samples import Sample
from screen_time.video import Video
from screen_time.video_limits import VideoLimits

ADDRESS_SPACE_BYTES = 2048 * 2**20
"""The least memory of a deployed function is what a whole process of ours may ever map."""

RESIDENT_BYTES = 900 * 2**20
"""What may be resident at most, the interpreter and its libraries included."""

SECONDS = 20
"""For one file, on a busy machine; on an idle one the slowest takes two."""

LIMITS = VideoLimits(memory_bytes=1200 * 2**20)
MODEL_INPUT = InputSpec(48, 64, Fit.SQUEEZE)


@dataclass(slots=True)
class Observation:
    """What became of one file: `code` of a refusal, or what was measured; and what it took.

    `accident` is what must never happen: another exception, a signal, no end within the time.
    """

    code: ErrorCode | None = None
    accident: str | None = None
    milliseconds: int = 0
    numbers: list[int | None] = field(default_factory=list)
    truncated: bool = False
    corrupt: int = 0
    size: tuple[int, int] = (0, 0)
    message: str = ""
    written: str = ""
    """On stderr, by whatever library."""
    described: str = ""
    audited: list[str] = field(default_factory=list)
    resident_bytes: int = 0
    seconds: float = 0.0

    def add(self, sample: Sample) -> None:
        """Count a sample; the numbers that the first few show are kept."""
        self.milliseconds += sample.duration_ms
        if len(self.numbers) < 16:
            self.numbers.append(_number(sample))


def observe(path: Path, measure: Callable[[Path, Observation], None] | None = None) -> Observation:
    """Measure the file at `path` in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(path, measure or sample_video, sender), daemon=True)
    started = time.monotonic()
    process.start()
    sender.close()
    try:
        found: Observation = receiver.recv() if receiver.poll(SECONDS) else Observation(accident="it did not end")
    except EOFError:
        process.join(SECONDS)
        found = Observation(accident=f"it died with status {process.exitcode}")
    finally:
        process.kill()
        process.join(SECONDS)
        receiver.close()
    found.seconds = time.monotonic() - started
    return found


def sample_video(path: Path, found: Observation) -> None:
    """Sample the video at `path` as the function would, each sample at a model's input size."""
    with Video.open(path.open("rb"), LIMITS) as video:
        found.size = (video.info.width, video.info.height)
        found.described = repr(video.info)
        for sample in video.samples():
            prepare(sample.image, MODEL_INPUT)
            found.add(sample)
        found.truncated, found.corrupt = video.truncated, video.corrupt_packets


def observe_child(path: Path, decoder: ChildDecoder) -> Observation:
    """Measure the file at `path` as the function does: by the decoder's child process, which has bounds of its own."""
    found, started = Observation(), time.monotonic()
    try:
        with decoder.open(path, DecodingRequest(MODEL_INPUT, limits=LIMITS)) as decoding:
            for sample in decoding.samples():
                found.add(sample)
            decoded = decoding.decoded()
        found.size, found.described = (decoded.info.width, decoded.info.height), repr(decoded.info)
        found.truncated, found.corrupt = decoded.counters.truncated, decoded.counters.corrupt_packets
    except VideoError as error:
        found.code, found.message = error.code, str(error)
    found.seconds = time.monotonic() - started
    return found


def _run(path: Path, measure: Callable[[Path, Observation], None], sender: "Connection[Any, Any]") -> None:
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    found = Observation()
    stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lives as long as the process
    os.dup2(stderr.fileno(), sys.stderr.fileno())
    _audit(found.audited, path)
    try:
        measure(path, found)
    except VideoError as error:
        found.code, found.message = error.code, str(error)
    except MemoryError:  # refused within the bound, which the decoder's process tells its parent as such
        found.code, found.message = ErrorCode.DECODER_FAILED, "It asks for too much memory."
    except BaseException as error:  # noqa: BLE001 - whatever else it is, it is what the test looks for
        found.accident = repr(error)
    found.resident_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    stderr.seek(0)
    found.written = stderr.read()
    sender.send(found)


def _audit(events: list[str], allowed: Path) -> None:
    """Record what Python itself is asked to open, call or start from now on."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        watched = event.startswith(("socket.connect", "subprocess", "os.system", "os.exec", "os.posix_spawn"))
        # Modules that are imported late are no doing of a video's.
        opened = event == "open" and isinstance(arguments[0], str) and not arguments[0].startswith(tuple(sys.path))
        if watched or (opened and arguments[0] != str(allowed)):
            events.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)


def _number(sample: Sample) -> int | None:
    try:
        return read_number(sample.image)
    except ValueError:
        return None
