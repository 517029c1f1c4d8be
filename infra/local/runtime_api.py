"""Lambda's Runtime API for one execution environment: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

import queue
import re
import socket
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NEXT = "/2018-06-01/runtime/invocation/next"
INIT_ERROR = "/2018-06-01/runtime/init/error"
REPLY = re.compile(r"/2018-06-01/runtime/invocation/(?P<id>[^/]+)/(?P<kind>response|error)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an invocation ended with: its result, or the error document that describes its failure."""

    payload: bytes
    failed: bool


@dataclass(slots=True)
class Request:
    """One invocation on its way through the runtime."""

    event: bytes
    timeout_seconds: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float | None = None
    """When its time is up (seconds since the epoch); None until the runtime has taken it."""
    replies: "queue.Queue[Reply]" = field(default_factory=queue.Queue)
    finished: threading.Event = field(default_factory=threading.Event)
    """Set when the runtime asks for the next one: only then is all of its output written."""


class RuntimeApi:
    """The HTTP server that a runtime asks for its next event and tells its answer to.

    It knows one runtime and, as Lambda does, one invocation at a time.
    """

    def __init__(self, function_arn: str) -> None:
        self.function_arn = function_arn
        self._submitted: queue.Queue[Request | None] = queue.Queue()
        self._current: Request | None = None
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API has them."""
        return f"127.0.0.1:{self._server.server_port}"

    def submit(self, request: Request) -> None:
        """Offer `request` to the runtime; only after the one before it has finished."""
        self._current = request
        self._submitted.put(request)

    def close(self) -> None:
        """Stop answering; a runtime that still waits for a request is hung up on."""
        self._submitted.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self) -> Request | None:
        """Wait for the next request, which finishes the one before it; None when there will be no more."""
        if self._current is not None and self._current.deadline is not None:
            self._current.finished.set()
        request = self._submitted.get()
        if request is not None:
            request.deadline = time.time() + request.timeout_seconds
        return request

    def reply(self, request_id: str, reply: Reply) -> bool:
        """Hand the runtime's answer to whoever waits for it; False where nobody does."""
        current = self._current
        if current is None or current.id != request_id:
            return False
        current.replies.put(reply)
        return True

    def fail_init(self, document: bytes) -> None:
        """The runtime could not load the handler: the invocation that started it fails with that."""
        if self._current is not None:
            self._current.replies.put(Reply(document, failed=True))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A runtime that was killed leaves its connection broken; anything else is a defect and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet, sent at once: else each answer waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Say nothing: a runtime's requests are no news."""

    def do_GET(self) -> None:
        if self.path != NEXT:
            self._send(HTTPStatus.NOT_FOUND)
            return
        request = self.server.api.take()
        if request is None:
            self.close_connection = True
            return
        self._send(HTTPStatus.OK, request.event, _invocation_headers(request, self.server.api.function_arn))

    def do_POST(self) -> None:
        body = self._body()
        if self.path == INIT_ERROR:
            self.server.api.fail_init(body)
            self._send(HTTPStatus.ACCEPTED, b'{"status":"OK"}')
            return
        reply = REPLY.fullmatch(self.path)
        known = reply is not None and self.server.api.reply(reply["id"], Reply(body, failed=reply["kind"] == "error"))
        self._send(HTTPStatus.ACCEPTED if known else HTTPStatus.BAD_REQUEST, b'{"status":"OK"}' if known else b"{}")

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(chunks)

    def _send(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _invocation_headers(request: Request, function_arn: str) -> dict[str, str]:
    deadline = request.deadline or time.time()
    trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
    return {
        "Lambda-Runtime-Aws-Request-Id": request.id,
        "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": function_arn,
        # Not sampled: there is no X-Ray daemon here to send segments to.
        "Lambda-Runtime-Trace-Id": trace,
    }
