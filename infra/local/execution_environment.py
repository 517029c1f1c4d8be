"""One Lambda execution environment: a process of AWS's runtime interface client, watched as Lambda watches it."""

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from infra.local import platform_log
from infra.local.function import FunctionConfiguration, Invocation
from infra.local.processes import ProcessGroups
from infra.local.runtime_api import Reply, Request, RuntimeApi

WATCH_SECONDS = 0.025
"""How often memory, time and output are looked at while an invocation runs."""

SETTLE_SECONDS = 1.0
"""How long a runtime may take from its answer to its next question; it is one line of code away."""

INIT_SECONDS = 10.0
"""Lambda's limit for loading a handler, after which it starts over within the function's own time-out."""

LogSink = Callable[[FunctionConfiguration, str, Sequence[str]], None]
"""Takes a function's lines and the name of their log stream."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What all execution environments of a stack share."""

    python: Path
    """Interpreter of the environment that holds what the image holds."""
    task_root: Path
    """The folder that the image has as LAMBDA_TASK_ROOT."""
    aws_endpoint: str
    processes: ProcessGroups
    log: LogSink


class ExecutionEnvironment:
    """A process that serves one invocation after the other, until one of them ends it.

    It has the variables that Lambda would set, an empty home and temporary directory of its own, and nothing of the
    environment that the stack was started from.
    """

    def __init__(self, configuration: FunctionConfiguration, platform: Platform) -> None:
        self.configuration = configuration
        self._platform = platform
        self._directory = Path(tempfile.mkdtemp(prefix=f"{configuration.name}-"))
        self._log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._api = RuntimeApi(configuration.arn)
        self._output = _Output()
        self._lines: list[str] = []
        self._peak_bytes = 0
        self._started = time.time()
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process that runs the handler."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can serve another invocation."""
        return self._process.poll() is None

    def invoke(self, event: bytes) -> Invocation:
        """Run the handler on a JSON `event`. A failure is an answer here, as it is to Lambda's callers."""
        request = Request(event, self.configuration.timeout_seconds)
        self._lines, self._peak_bytes, began = [], 0, time.time()
        self._write(platform_log.start(self.configuration, request.id))
        self._api.submit(request)
        reply, status = self._outcome(request)
        # An invocation that was quicker than the watch has not been measured yet.
        self._memory()
        self._collect(end=True)
        seconds = time.time() - began
        self._write(platform_log.report(self.configuration, request.id, seconds, self._peak_bytes, status=status))
        return Invocation(request.id, reply.payload, reply.failed, "\n".join(self._lines))

    def kill(self) -> None:
        """End the process at once; an invocation that is under way fails."""
        self._platform.processes.stop(self._process)

    def close(self) -> None:
        """End the process and remove what it left on disk. Idempotent."""
        self.kill()
        self._release()

    def _release(self) -> None:
        self._api.close()
        self._output.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return self._platform.processes.start(
                [str(self._platform.python), "-m", "awslambdaric", self.configuration.handler],
                environment=self._variables(),
                directory=self._platform.task_root,
                output=self._output.writer,
            )
        except BaseException:
            self._release()
            raise
        finally:
            self._output.close_writer()

    def _variables(self) -> dict[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, and where AWS is here."""
        configuration = self.configuration
        return {
            **configuration.environment,
            "_HANDLER": configuration.handler,
            "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_mebibytes),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": configuration.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log_stream,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_REGION": configuration.region,
            "AWS_DEFAULT_REGION": configuration.region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_ENDPOINT_URL": self._platform.aws_endpoint,
            "LAMBDA_TASK_ROOT": str(self._platform.task_root),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": f"{self._platform.python.parent}:/usr/local/bin:/usr/bin:/bin",
            # Without these two the developer's own configuration of AWS, and files of other environments, would show.
            "HOME": str(self._directory),
            "TMPDIR": str(self._directory),
        }

    def _outcome(self, request: Request) -> tuple[Reply, str]:
        """Wait until the invocation is over one way or another; the reply, and the status for the report."""
        while True:
            try:
                reply = request.replies.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                self._collect()
                if (breach := self._breach(request)) is not None:
                    return breach
            else:
                self._settle(request)
                return reply, "error" if reply.failed else "success"

    def _settle(self, request: Request) -> None:
        end = time.time() + SETTLE_SECONDS
        while not request.finished.wait(WATCH_SECONDS) and self.alive and time.time() < end:
            self._collect()

    def _breach(self, request: Request) -> tuple[Reply, str] | None:
        """What Lambda would end the environment for, done and put into Lambda's words; None while all is well."""
        if not self.alive:
            # It may have answered and ended since we looked.
            return None if not request.replies.empty() else (self._exited(request), "failure")
        if self._memory() > self.configuration.memory_mebibytes * 2**20:
            self.kill()
            return self._exited(request), "failure"
        if time.time() > self._deadline(request):
            self.kill()
            return self._timed_out(request), "timeout"
        return None

    def _deadline(self, request: Request) -> float:
        return request.deadline or self._started + INIT_SECONDS + self.configuration.timeout_seconds

    def _memory(self) -> int:
        """Resident bytes of the process and of its children."""
        try:
            process = psutil.Process(self.pid)
            resident = sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
        except psutil.NoSuchProcess:
            return 0
        self._peak_bytes = max(self._peak_bytes, resident)
        return resident

    def _exited(self, request: Request) -> Reply:
        message = f"RequestId: {request.id} Error: {exit_reason(self._process.returncode)}"
        self._collect()
        self._write(message, "Runtime.ExitError")
        return _error("Runtime.ExitError", message)

    def _timed_out(self, request: Request) -> Reply:
        message = f"Task timed out after {self.configuration.timeout_seconds:.2f} seconds"
        self._collect()
        self._write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z {request.id} {message}")
        return _error("Sandbox.Timedout", f"RequestId: {request.id} Error: {message}")

    def _collect(self, *, end: bool = False) -> None:
        self._write(*self._output.lines(end=end))

    def _write(self, *lines: str) -> None:
        if lines:
            self._lines.extend(lines)
            self._platform.log(self.configuration, self._log_stream, lines)


class _Output:
    """The pipe that a process writes its output to, read without ever waiting."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._rest = b""

    def lines(self, *, end: bool = False) -> list[str]:
        """The lines written since the last call; at the `end` also one without a line break."""
        *whole, self._rest = (self._rest + b"".join(iter(self._read, b""))).split(b"\n")
        if end and self._rest:
            whole.append(self._rest)
            self._rest = b""
        return [line.decode(errors="replace") for line in whole]

    def close_writer(self) -> None:
        """The process holds its own copy."""
        os.close(self.writer)

    def close(self) -> None:
        if self._reader >= 0:
            os.close(self._reader)
        self._reader = -1

    def _read(self) -> bytes:
        try:
            return os.read(self._reader, 65536)
        except BlockingIOError:
            return b""


def exit_reason(returncode: int) -> str:
    """How Lambda puts it that a runtime ended by itself; `returncode` as `subprocess` gives it."""
    if returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode > 0:
        return f"Runtime exited with error: exit status {returncode}"
    if -returncode == signal.SIGKILL:
        return "Runtime exited with error: signal: killed"
    return f"Runtime exited with error: signal: {(signal.strsignal(-returncode) or str(-returncode)).lower()}"


def _error(kind: str, message: str) -> Reply:
    return Reply(json.dumps({"errorType": kind, "errorMessage": message}).encode(), failed=True)
