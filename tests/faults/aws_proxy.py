"""Stands between the functions and AWS and does to their calls what a rule says; the functions know nothing of it."""

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

S3_OPERATIONS = {"HEAD": "HeadObject", "GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "expect", "host")
UPSTREAM_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a function to AWS."""

    name: str
    """service:Operation, as IAM writes it."""
    path: str
    number: int
    """Of the calls since the proxy was told to count anew, the first is 0."""
    port: int
    """The function's end of the connection: by it the process is found."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a call.

    `before` is done before AWS gets the call, and `after` when AWS has done it and the function does not know yet.
    `status` and `code` are answered instead of AWS. Of AWS's answer only `answer_bytes` come through before the
    connection is cut, at `bytes_per_second`.
    """

    before: Callable[[Call], None] | None = None
    after: Callable[[Call], None] | None = None
    delay_seconds: float = 0.0
    status: int | None = None
    code: str = "InternalError"
    answer_bytes: int | None = None
    bytes_per_second: float | None = None


Rule = Callable[[Call], Fault | None]


def no_fault(_: Call) -> Fault | None:
    """Every call goes through."""
    return None


THROTTLED = {
    "s3": Fault(status=503, code="SlowDown"),
    "dynamodb": Fault(status=400, code="ProvisionedThroughputExceededException"),
    "sqs": Fault(status=400, code="RequestThrottled"),
}
FAILED = Fault(status=500, code="InternalError")
UNREACHABLE = Fault(answer_bytes=0)


@dataclass
class AwsProxy:
    """Forwards calls to AWS as `rule` lets them, and remembers their names in order."""

    rule: Rule = no_fault
    calls: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self, rule: Rule = no_fault) -> None:
        """Count anew, under another rule."""
        with self._lock:
            self.rule, self.calls = rule, []

    @contextmanager
    def between(self, endpoint: str) -> Iterator[str]:
        """Serve in front of `endpoint`; yields the address for the functions."""
        server = _Server(self, urlsplit(endpoint).netloc)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="aws-proxy", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)

    def admit(self, name: str, path: str, port: int) -> tuple[Call, Fault | None]:
        """Take note of a call, and find what is to be done to it."""
        with self._lock:
            call = Call(name, path, len(self.calls), port)
            self.calls.append(name)
            return call, self.rule(call)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: AwsProxy, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy, self.upstream = proxy, upstream

    def handle_error(self, request: object, client_address: object) -> None:
        """Killed functions break their connections: that is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """The function's own log is enough."""

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # killed while it was sending: AWS never gets to act on half a request
            self.close_connection = True
            return
        call, fault = self.server.proxy.admit(self._operation(), self.path, self.client_address[1])
        fault = fault or Fault()
        time.sleep(fault.delay_seconds)
        if fault.before is not None:
            fault.before(call)
        if fault.status is not None:
            self._answer(fault.status, [("Content-Type", "application/xml")], _error(call, fault.code), fault)
            return
        status, headers, answer = self._ask(body)
        if fault.after is not None:
            fault.after(call)
        self._answer(status, headers, answer, fault)

    def _operation(self) -> str:
        if target := self.headers.get("X-Amz-Target"):
            service = "sqs" if "SQS" in target else target.partition("_")[0].lower()
            return f"{service}:{target.rpartition('.')[2]}"
        scope = re.search(r"/([a-z0-9-]+)/aws4_request", self.headers.get("Authorization", ""))
        return f"{scope[1] if scope else 'unknown'}:{S3_OPERATIONS.get(self.command, self.command)}"

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=UPSTREAM_SECONDS)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers | {"Host": self.headers["Host"]})
            response = connection.getresponse()
            kept = [pair for pair in response.getheaders() if pair[0].lower() not in HOP_BY_HOP]
            if self.command == "HEAD":
                kept.append(("Content-Length", response.headers.get("Content-Length", "0")))
            return response.status, kept, response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault) -> None:
        if fault.answer_bytes == 0:
            self._cut()
            return
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self._write(body[: fault.answer_bytes], fault.bytes_per_second)
        if fault.answer_bytes is not None:
            self._cut()

    def _write(self, body: bytes, bytes_per_second: float | None) -> None:
        if bytes_per_second is None:
            self.wfile.write(body)
            return
        step = max(1, int(bytes_per_second / 10))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            time.sleep(0.1)

    def _cut(self) -> None:
        """A reset, as of a network that is gone, not an orderly end."""
        with suppress(OSError):
            self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


for _method in S3_OPERATIONS.keys() | {"POST"}:
    setattr(_Handler, f"do_{_method}", _Handler._pass_on)


def _error(call: Call, code: str) -> bytes:
    if call.name.startswith("s3:"):
        return f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
    return f'{{"__type": "com.amazonaws#{code}", "message": "injected"}}'.encode()
