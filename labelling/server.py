"""The labelling page's server: this machine only, and only for whoever has the link that the command printed."""

import hmac
import secrets
import socket
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

from flask import Flask, Response, abort, jsonify, redirect, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from labelling.job import Job
from labelling.sheet import Mark
from training.errors import LabelError, TrainingError

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
LARGEST_REQUEST = 4 * 1024 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LabellingServer:
    """Serves one job on a port of the loopback interface; `link` carries the token that lets a browser in."""

    def __init__(self, job: Job, port: int | None = None) -> None:
        """Bind `port`, or one that follows from the label file's name.

        With the same port a page that outlived its server finds what it had not yet sent. Raises TrainingError where
        `port` is taken.
        """
        self.token = secrets.token_urlsafe(32)
        self._server = _bind(application(job, self.token), job, port)
        self._ended = Event()
        self.origin = f"http://{HOST}:{self._server.port}"
        self.link = f"{self.origin}/?token={self.token}"

    def serve(self) -> None:
        """Answer until `close` is called from another thread, or until Ctrl-C, which is no error."""
        self._ended.clear()
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self._ended.set()

    def close(self) -> None:
        """Stop answering; the port is free when this returns."""
        self._server.shutdown()
        self._server.server_close()
        self._ended.wait(10)


def application(job: Job, token: str) -> Flask:
    """The page and its few calls; every one of them needs the token's cookie and this server's own address."""
    app = Flask("labelling", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_REQUEST, TRUSTED_HOSTS=[HOST])
    app.before_request(_guard(token))
    app.after_request(_harden)
    app.register_error_handler(LabelError, _refuse)
    app.register_error_handler(HTTPException, _fail)
    app.add_url_rule("/", view_func=lambda: send_from_directory(PAGE, "index.html"), endpoint="index")
    app.add_url_rule("/page/<name>", view_func=lambda name: send_from_directory(PAGE, name), endpoint="page")
    app.add_url_rule("/frames/<int:time_ms>", view_func=lambda time_ms: _frame(job, time_ms), endpoint="frame")
    app.add_url_rule("/job", view_func=lambda: _job(job), endpoint="job")
    app.add_url_rule("/suggestions", view_func=lambda: _suggestions(job), endpoint="suggestions")
    app.add_url_rule("/marks", view_func=lambda: _mark(job), endpoint="marks", methods=["POST"])
    return app


def _guard(token: str) -> Callable[[], Any]:
    """Let in who has the token: by the link at first, by its cookie from then on, and from no other page."""

    def guard() -> Any:  # noqa: ANN401 (Flask's: None, or an answer)
        cookie = f"screen-time-label-{request.host.rpartition(':')[2]}"  # cookies do not tell ports apart
        own = request.host_url.rstrip("/")
        if request.headers.get("Origin", own) != own or request.headers.get("Sec-Fetch-Site") == "cross-site":
            abort(403)
        given = request.args.get("token")
        if request.path == "/" and given is not None and hmac.compare_digest(given, token):
            answer = redirect("/")
            answer.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return answer
        if not hmac.compare_digest(request.cookies.get(cookie, ""), token):
            abort(403)
        return None

    return guard


def _harden(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.path.startswith("/frames/") and answer.status_code == 200:
        answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
    else:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _frame(job: Job, time_ms: int) -> Response:
    path = job.frames.get(time_ms)
    if path is None:
        abort(404)
    return send_from_directory(path.parent.resolve(), path.name)


def _job(job: Job) -> Response:
    with job.lock:
        sheet = job.sheet
        marks = {time_ms: sheet.mark(time_ms) for time_ms in job.frames}
        return jsonify(
            id=f"{sheet.path}",
            title=job.title,
            file=sheet.path.name,
            characters=sheet.characters,
            nobody=sheet.nobody,
            several=sheet.several,
            model=None if job.suggestions is None else job.suggestions.title,
            frames=[[time_ms, _labels(mark), mark.uncertain] for time_ms, mark in marks.items()],
        )


def _suggestions(job: Job) -> Response:
    if job.suggestions is None:
        return jsonify(found={}, more=False)
    found, more = job.suggestions.found(request.args.get("after", 0, int))
    return jsonify(found={time_ms: asdict(each) for time_ms, each in found.items()}, more=more)


def _mark(job: Job) -> Response:
    """Store a list of marks, in order; answered when they are on disk."""
    edits = request.get_json()
    try:
        marks = [(int(edit["time_ms"]), _parsed(edit)) for edit in edits]
    except (KeyError, TypeError, ValueError) as error:
        raise LabelError(f"The page sent what cannot be understood: {error!r}; load it again.") from error
    unknown = [time_ms for time_ms, _ in marks if time_ms not in job.frames]
    if unknown:
        raise LabelError(f"There is no frame at second {unknown[0] / 1000:g}; load the page again.")
    with job.lock:
        job.sheet.change(marks)
    return jsonify(saved=len(marks))


def _parsed(edit: dict[str, Any]) -> Mark:
    labels = edit["labels"]
    return Mark(None if labels is None else frozenset(map(str, labels)), bool(edit["uncertain"]))


def _labels(mark: Mark) -> list[str] | None:
    return None if mark.labels is None else sorted(mark.labels)


def _refuse(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 409


def _fail(error: Exception) -> tuple[Response, int]:
    code = error.code if isinstance(error, HTTPException) and error.code else 500
    sentences = {403: "Open the link that `screen-time label` printed: it carries the key to this page."}
    return jsonify(error=sentences.get(code, f"The server answers {code}.")), code


class _Quiet(WSGIRequestHandler):
    """HTTP/1.1 with a time-out for idle connections, and no line a request."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 (werkzeug's signature)
        """Say nothing: the terminal belongs to the command."""


def _bind(app: Flask, job: Job, port: int | None) -> BaseWSGIServer:
    """A listening server; where no port was asked for and the usual one is taken, on any free one."""
    usual = 20_000 + zlib.crc32(str(job.sheet.path).encode()) % 12_000
    for attempt in (port,) if port is not None else (usual, 0):
        try:
            listening = socket.create_server((HOST, attempt))
        except OSError:
            continue
        with listening:  # the server takes a copy of it
            return make_server(HOST, attempt, app, threaded=True, request_handler=_Quiet, fd=listening.fileno())
    raise TrainingError(f"Port {port} is taken; choose another one with --port, or none.")
