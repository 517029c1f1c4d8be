"""Stands in front of the registry's server: open, shut as where no server runs, or silent as where one hangs."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit


class Gate(Enum):
    """What becomes of a connection to the registry."""

    OPEN = "open"
    SHUT = "shut"
    SILENT = "silent"


class RegistryGate:
    """Passes bytes on in both directions while it is open; `state` may change at any time."""

    def __init__(self, upstream: str) -> None:
        self.state = Gate.OPEN
        self._left: int | None = None
        self._upstream = urlsplit(upstream)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket | None]] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Listen; yields the address for the functions."""
        thread = threading.Thread(target=self._accept, name="registry-gate", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # which wakes who waits for a connection
            self._listener.close()
            self.shut()
            thread.join(10)

    def shut(self, state: Gate = Gate.SHUT) -> None:
        """Let nothing through any more, connections that are open included."""
        self.state = state
        for pair in self._pairs:
            for end in pair:
                if end is not None:
                    _reset(end)
        self._pairs.clear()

    def shut_after_bytes(self, count: int) -> None:
        """Let so many bytes of answers through, then shut."""
        self._left = count

    def open(self) -> None:
        """Let everything through."""
        self.state, self._left = Gate.OPEN, None

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.state is Gate.SHUT:
                    _reset(client)
                elif self.state is Gate.SILENT:
                    self._pairs.append((client, None))
                else:
                    self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.create_connection((self._upstream.hostname or "", self._upstream.port or 80), timeout=10)
        server.settimeout(None)
        self._pairs.append((client, server))
        threading.Thread(target=_pass_on, args=(client, server, _keep), daemon=True).start()
        threading.Thread(target=_pass_on, args=(server, client, self._counted), daemon=True).start()

    def _counted(self, data: bytes) -> bytes:
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self.shut()
        return data


def _keep(data: bytes) -> bytes:
    return data


def _pass_on(source: socket.socket, target: socket.socket, seen: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(1024):
            target.sendall(seen(data))
        target.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()
