"""Who sees it when a file is opened that should not be, or an address is called: inotify, and sockets that listen."""

import ctypes
import os
import select
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.hostile.files.case import Bait

CANARY = "the canary sings: nothing of this machine may be in a result"

IN_ACCESS, IN_OPEN = 0x1, 0x20
IN_NONBLOCK = os.O_NONBLOCK


class Witness:
    """Listens on a TCP and a UDP port of loopback and watches a canary file, by whomever it is opened.

    It sees what native code does, which Python's audit hooks do not: the kernel reports to it.
    """

    def __init__(self, directory: Path) -> None:
        self._canary = directory / "canary.txt"
        self._canary.write_text(CANARY)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for listener in (self._tcp, self._udp):
            listener.bind(("127.0.0.1", 0))
            listener.setblocking(False)
        self._tcp.listen(64)
        self._inotify = _watch(self._canary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tcp.close()
        self._udp.close()
        os.close(self._inotify)

    @property
    def bait(self) -> Bait:
        """What a hostile file may name."""
        return Bait(self._tcp.getsockname()[1], self._udp.getsockname()[1], self._canary)

    def seen(self) -> list[str]:
        """What happened since the last call; a connection is completed by the kernel before its caller goes on."""
        found = []
        while select.select([self._tcp], [], [], 0)[0]:
            connection, _ = self._tcp.accept()
            connection.close()
            found.append("a TCP connection")
        while select.select([self._udp], [], [], 0)[0]:
            self._udp.recv(2048)
            found.append("a UDP datagram")
        while select.select([self._inotify], [], [], 0)[0]:
            os.read(self._inotify, 4096)
            found.append("the canary was opened")
        return found


def _watch(path: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = int(libc.inotify_init1(IN_NONBLOCK))
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(path), IN_OPEN | IN_ACCESS) < 0:
        raise OSError(ctypes.get_errno(), "inotify does not watch")
    return descriptor
