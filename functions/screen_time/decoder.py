"""Decodes each video in a child process of its own, so that a hostile one harms nothing but its own measurement.

A child has no credentials and asks for the bytes that it needs; the system bounds its memory and its time; and when it
crashes, hangs or grows, that is a VideoError of its video. No child sees a second video: what the first one made of it
dies with it. Decoding overlaps with what the parent does meanwhile, and the start of a child with anything before.
"""

import io
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from screen_time import serialisation
from screen_time.decoder_bounds import DecoderBounds
from screen_time.decoder_messages import (
    DATA,
    FREE,
    LONGEST,
    READ_BYTES,
    Kind,
    Order,
)
from screen_time.decoding import Decoded, Decoding, DecodingRequest
from screen_time.errors import ErrorCode, TransientError, VideoError
from screen_time.frame_ring import FrameRing, new_shared_memory
from screen_time.samples import Outline, Sample
from screen_time.video_limits import VideoFile, VideoLimits

SLOTS = 24
"""Prepared frames between decoding and inference: three batches."""

START_SECONDS = 60.0
"""How long a child may take to load its libraries; it takes a fraction of a second."""

WATCH_SECONDS = 0.2
"""How often a child that says nothing is looked at."""

ENVIRONMENT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
)
"""What a child gets of the environment; everything else, credentials above all, stays here."""

KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""glibc (mallopt(3)): a child keeps what it frees for the next frame; the system would clear each page anew."""


class ChildDecoder:
    """Decodes each video in a fresh child process within `bounds`.

    With `ahead`, the next one's child is started as soon as a video is done with.
    """

    def __init__(self, bounds: DecoderBounds | None = None, *, ahead: bool = False) -> None:
        self._bounds, self._ahead = bounds or DecoderBounds(), ahead
        self._spare: _Child | None = None
        self._changing = threading.RLock()

    def prestart(self) -> None:
        """Start the next video's child now, so that it has loaded its libraries by the time it is needed."""
        with self._changing:
            self._spare = self._alive()

    def close(self) -> None:
        """End the child that was started ahead, if there is one."""
        with self._changing:
            if self._spare is not None:
                self._spare.end()
            self._spare = None

    def open(self, source: Path | VideoFile, request: DecodingRequest) -> Decoding:
        """Begin with `source`, which is closed in the end; the first sample raises what is wrong with it."""
        return self._begin(source, request.limits, request)

    def outline(self, source: Path | VideoFile, limits: VideoLimits) -> Outline:
        """What `source` tells of itself, for little reading; closes it. Raises VideoError where it is no video."""
        with self._begin(source, limits, None) as decoding:
            return decoding.outline()

    def _begin(
        self, source: Path | VideoFile, limits: VideoLimits, request: DecodingRequest | None
    ) -> "_ChildDecoding":
        file = source.open("rb") if isinstance(source, Path) else source
        try:
            size = file.seek(0, io.SEEK_END)
            memory_bytes = min(self._bounds.memory_bytes, limits.memory_bytes)
            order = Order(request, limits, SLOTS, size, memory_bytes, self._bounds.cpu_seconds)
            return _ChildDecoding(self._child(), file, order, self._bounds.stall_seconds, self._after)
        except BaseException:
            file.close()
            raise

    def _child(self) -> "_Child":
        """The child that was started ahead, or a new one; threads that share a decoder never get the same."""
        with self._changing:
            child, self._spare = self._alive(), None
        return child

    def _alive(self) -> "_Child":
        """The child that was started ahead; a new one where there is none, or none that lives."""
        if self._spare is not None and self._spare.alive:
            return self._spare
        self.close()
        return _Child()

    def _after(self) -> None:
        if self._ahead:
            self.prestart()


class _Child:
    """A decoder's process and this end of its socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.memory = new_shared_memory()
        numbers = (theirs.fileno(), self.memory)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-m", "screen_time.decoder_process", *map(str, numbers)],
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=numbers,
            )
        except OSError as error:
            ours.close()
            os.close(self.memory)
            raise TransientError(f"The decoder's process cannot be started: {error}") from error
        finally:
            theirs.close()
        self.connection = Connection(ours.detach())

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End the process; whoever waits for a message of it gets an EOFError."""
        self.process.kill()

    def end(self) -> None:
        """Kill the process and give back what belongs to it."""
        self.kill()
        self.process.wait()
        self.connection.close()
        os.close(self.memory)


News = tuple[Sample, int] | Decoded | Outline | BaseException
"""A sample with its slot; the result, which is the last; or what went wrong."""


class _ChildDecoding:
    """One video's decoding: a thread listens to the child, `samples` hands on what it heard."""

    def __init__(
        self, child: _Child, file: VideoFile, order: Order, stall_seconds: float, after: Callable[[], None]
    ) -> None:
        self._after = after
        self._child, self._file, self._order, self._stall_seconds = child, file, order, stall_seconds
        self._ring = None if order.request is None else FrameRing(child.memory, SLOTS, order.request.input)
        self._sending = threading.Lock()
        self._out: set[int] = set()
        self._ready = self._reading = False
        self._heard = time.monotonic()
        self._next_index = 0 if order.request is None else order.request.part.first
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._decoded: Decoded | None = None
        self._thread = threading.Thread(target=self._listen, name="decoder", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.kill()
        self._thread.join()  # ends with the child, or with the read that it is in
        self._child.end()
        self._file.close()
        # An error that waits here holds us by its traceback, and we hold the shared memory.
        self._news = queue.SimpleQueue()
        self._after()

    def samples(self) -> Iterator[Sample]:
        while isinstance(news := self._next(), tuple):
            sample, slot = news
            yield sample
            self._out.discard(slot)
            self._send(FREE + str(slot).encode())
        if isinstance(news, Decoded):
            self._decoded = news

    def outline(self) -> Outline:
        news = self._next()
        if not isinstance(news, Outline):
            raise VideoError(ErrorCode.DECODER_FAILED, "The video's decoder lost its way.")
        return news

    def decoded(self) -> Decoded:
        if self._decoded is None:
            raise RuntimeError("there are samples left")
        return self._decoded

    def _next(self) -> "tuple[Sample, int] | Decoded | Outline":
        news = self._wait()
        if isinstance(news, BaseException):
            raise news
        return news

    def _wait(self) -> "News":
        while True:
            try:
                return self._news.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                silent = time.monotonic() - self._heard
                if self._reading:  # it waits for us
                    continue
                if not self._ready and silent > START_SECONDS:
                    return TransientError("The decoder's process does not start.")
                if self._ready and silent > self._stall_seconds:
                    return VideoError(
                        ErrorCode.DECODER_FAILED,
                        f"The video's decoder made no progress for {self._stall_seconds:g} seconds.",
                    )

    def _send(self, message: bytes) -> None:
        self._heard = time.monotonic()
        try:
            with self._sending:
                self._child.connection.send_bytes(message)
        except OSError:
            pass  # it is gone, which the listening thread tells

    def _listen(self) -> None:
        try:
            while (result := self._hear()) is None:
                pass
            self._news.put(result)
        except BaseException as error:  # noqa: BLE001 (raised again where the samples are asked for)
            self._news.put(error)

    def _hear(self) -> Decoded | Outline | None:
        """Take one message; the result at the end, None before. Raises what ends the decoding."""
        try:
            message = json.loads(self._child.connection.recv_bytes(LONGEST))
            self._heard = time.monotonic()
            kind = Kind(message["kind"])
            if kind is Kind.END:
                return self._result(message)
            self._take(kind, message)
        except (EOFError, OSError):
            raise self._reason_of_death() from None
        except (ValueError, KeyError, TypeError) as error:
            raise VideoError(ErrorCode.DECODER_FAILED, "The video's decoder lost its way.") from error
        return None

    def _take(self, kind: Kind, message: Mapping[str, Any]) -> None:
        match kind:
            case Kind.READY:
                self._ready = True
                self._send(serialisation.dumps(self._order))
            case Kind.READ:
                self._send(DATA + self._read(int(message["offset"]), int(message["size"])))
            case Kind.OUTLINE:
                self._news.put(_outline(message))
            case Kind.SAMPLE:
                self._news.put(self._sample(message))
            case Kind.REFUSED:
                raise VideoError(ErrorCode(message["code"]), str(message["message"])[:1000])
            case Kind.OUT_OF_MEMORY:
                raise VideoError(
                    ErrorCode.DECODER_FAILED,
                    f"Decoding the video takes more than {self._order.memory_bytes // 2**20} MiB of memory.",
                )

    def _result(self, message: Mapping[str, Any]) -> Decoded | Outline:
        if self._order.request is None:
            return _outline(message)
        return serialisation.loads(Decoded, json.dumps(message["result"]).encode())

    def _read(self, offset: int, size: int) -> bytes:
        """Bytes of the video; fewer, as at its end, where the file cannot be read further."""
        self._reading = True
        try:
            self._file.seek(offset)
            return self._file.read(min(size, READ_BYTES)) or b""
        except OSError:
            return b""
        finally:
            self._heard = time.monotonic()
            self._reading = False

    def _sample(self, message: Mapping[str, Any]) -> tuple[Sample, int]:
        """The sample that a message tells of; raises ValueError where it cannot be one."""
        slot, index, start_ms, duration_ms = (
            int(message[name]) for name in ("slot", "index", "start_ms", "duration_ms")
        )
        free = 0 <= slot < SLOTS and slot not in self._out
        if self._ring is None or not free or index != self._next_index or start_ms < 0 or duration_ms < 0:
            raise ValueError(f"no sample: {message}")
        self._out.add(slot)
        self._next_index += 1
        return Sample(index, start_ms, duration_ms, self._ring[slot]), slot

    def _reason_of_death(self) -> VideoError | TransientError:
        try:
            status = self._child.process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            status = self._child.process.wait()
        if not self._ready:
            return TransientError(f"The decoder's process ended before it began, with status {status}.")
        if -status == signal.SIGXCPU:
            reason = f"Decoding the video takes more than {self._order.cpu_seconds} seconds of processor time."
        elif status < 0:
            reason = f"The video's decoder was ended by {signal.Signals(-status).name}."
        else:
            reason = f"The video's decoder ended with status {status}."
        return VideoError(ErrorCode.DECODER_FAILED, reason)


def _outline(message: Mapping[str, Any]) -> Outline:
    return serialisation.loads(Outline, json.dumps(message["result"]).encode())


def _environment() -> dict[str, str]:
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)  # noqa: PTH100 (must not resolve links)
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | {"PYTHONPATH": path} | KEPT_MEMORY
