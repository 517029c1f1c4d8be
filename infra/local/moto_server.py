"""AWS on a free port of this machine: moto's server, extended, in this process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

_lock = threading.Lock()
_running: list[str] = []
"""Ports of the servers of this process; all of them show the one account that moto keeps in it."""


@contextmanager
def moto_server() -> Iterator[str]:
    """Serve AWS and yield the endpoint's address.

    Several servers of one process share their state, which is empty again when the last of them has ended; other
    processes have their own. moto looks up its own address in the environment variable MOTO_PORT, which is therefore
    set meanwhile. (moto's `mock_aws`, used in the same process, would empty the state too.)
    """
    from infra.local import moto_extensions

    moto_extensions.install()
    server = _server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="moto", daemon=True)
    thread.start()
    _opened(str(server.server_port))
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        _closed(str(server.server_port))


def _server() -> "BaseWSGIServer":
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):  # type: ignore[misc]
        def log_request(self, *_: object) -> None:
            """A line for each request would bury what the functions say."""

    application = DomainDispatcherApplication(create_backend_app)
    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)


def _opened(port: str) -> None:
    with _lock:
        _running.append(port)
        os.environ["MOTO_PORT"] = port


def _closed(port: str) -> None:
    with _lock:
        _running.remove(port)
        if _running:
            os.environ["MOTO_PORT"] = _running[-1]
        else:
            os.environ.pop("MOTO_PORT", None)
            _reset()


def _reset() -> None:
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()
