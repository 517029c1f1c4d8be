"""The decoder's own process: decodes one video for its parent, and ends.

What is decoded may be hostile, so this process holds nothing worth having: no credentials, no connection but the one to
its parent, whom it asks for the video's bytes; and the system bounds its memory and its time. Its parent starts it
ahead of the video, so that its libraries are loaded by then: `python -m screen_time.decoder_process SOCKET MEMORY`, by
the numbers of two descriptors that it inherits.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
import threading
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# What PyAV loads when a file has such streams; by then nothing can be loaded any more.
import av.audio.codeccontext
import av.subtitles.codeccontext
import av.subtitles.stream  # noqa: F401
import cv2

from screen_time import preprocessing, serialisation, video  # noqa: F401  (loaded before there is anything to decode)
from screen_time.decoder_messages import DATA, LONGEST, READ_BYTES, Kind, Order
from screen_time.decoding import Decoded, DecodingRequest, InProcessDecoder
from screen_time.errors import VideoError
from screen_time.frame_ring import FrameRing
from screen_time.samples import Outline

BEAT_SECONDS = 1.0


def main() -> None:
    """Serve the parent whose socket is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal reaches us too; the parent decides
    cv2.setNumThreads(1)
    # A parent that is gone, or has changed its mind, needs no answer.
    with Connection(int(sys.argv[1])) as connection, contextlib.suppress(EOFError, ConnectionError):
        parent = Parent(connection)
        parent.tell(Kind.READY)
        order = serialisation.loads(Order, connection.recv_bytes(LONGEST))
        _bound(order)
        _serve(parent, order)


def _serve(parent: "Parent", order: Order) -> None:
    file = _RemoteFile(parent, order.size)
    try:
        if order.request is None:
            _open_nothing_more()
            result: Outline | Decoded = InProcessDecoder().outline(file, order.limits)
        else:
            ring = FrameRing(int(sys.argv[2]), order.slots, order.request.input)
            _open_nothing_more()
            parent.slots.extend(range(order.slots))
            result = _decode(parent, file, order.request, ring)
        parent.tell(Kind.END, result=json.loads(serialisation.dumps(result)))
    except VideoError as error:
        parent.tell(Kind.REFUSED, code=error.code, message=str(error))
    except MemoryError:
        parent.tell(Kind.OUT_OF_MEMORY)


def _decode(parent: "Parent", file: "_RemoteFile", request: DecodingRequest, ring: FrameRing) -> Decoded:
    with InProcessDecoder().open(file, request) as decoding:
        parent.watched = decoding
        if request.outlined:
            parent.tell(Kind.OUTLINE, result=json.loads(serialisation.dumps(decoding.outline())))
        for sample in decoding.samples():
            slot = parent.slot()
            ring[slot] = sample.image
            parent.tell(
                Kind.SAMPLE, slot=slot, index=sample.index, start_ms=sample.start_ms, duration_ms=sample.duration_ms
            )
        return decoding.decoded()


class Parent:
    """The other end of the socket. `slots` may be written; `watched` is what the heartbeat looks at."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self.slots: deque[int] = deque()
        self.watched: Any = None
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def tell(self, kind: Kind, **fields: object) -> None:
        """Send a message."""
        with self._sending:
            self._connection.send_bytes(json.dumps({"kind": kind, **fields}).encode())

    def slot(self) -> int:
        """A slot of the ring that may be written, as soon as there is one."""
        while not self.slots:
            self._receive()
        return self.slots.popleft()

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the video."""
        self.tell(Kind.READ, offset=offset, size=size)
        while (data := self._receive()) is None:
            pass
        return data

    def _receive(self) -> bytes | None:
        """Take one message: bytes of the video, or None after a slot has become free."""
        message = self._connection.recv_bytes(LONGEST)
        if message[:1] == DATA:
            return message[1:]
        self.slots.append(int(message[1:]))
        return None

    def _beat(self) -> None:
        """Each second tell of progress, if there is any: silence means that the decoder hangs. End with the parent."""
        parent, last = os.getppid(), None
        while not threading.Event().wait(BEAT_SECONDS):
            if os.getppid() != parent:
                os._exit(1)
            progress = getattr(self.watched, "progress", None)
            if progress != last:
                last = progress
                with contextlib.suppress(OSError):
                    self.tell(Kind.ALIVE)


class _RemoteFile(io.RawIOBase):
    """The video, of whose `size` bytes the parent is asked for READ_BYTES at a time."""

    def __init__(self, parent: Parent, size: int) -> None:
        super().__init__()
        self._parent, self._size = parent, size
        self._position = 0
        self._held, self._held_at = b"", 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError(22, os.strerror(22))
        self._position = origin + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._position >= self._size or size == 0:
            return b""
        start = self._position - self._held_at
        if not 0 <= start < len(self._held):
            self._held, self._held_at, start = self._parent.read(self._position, READ_BYTES), self._position, 0
        data = self._held[start:] if size < 0 else self._held[start : start + size]
        self._position += len(data)
        return data


def _bound(order: Order) -> None:
    """Let the system refuse memory, and end the process, beyond what one video may take."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + order.memory_bytes, held + order.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (order.cpu_seconds, order.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _open_nothing_more() -> None:
    """From here on the system refuses every further file and socket, whoever asks for it, and every write to a file."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
