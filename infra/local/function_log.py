"""Where a function's lines go: its log group in CloudWatch Logs, and whoever watches the stack."""

import threading
import time
from collections.abc import Callable, Sequence

from infra.local.aws import Client
from infra.local.function import FunctionConfiguration


class FunctionLog:
    """Writes lines, as they are, into a function's log group and to `watch`."""

    def __init__(self, logs: Client, watch: Callable[[str], None]) -> None:
        self._logs = logs
        self._watch = watch
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()

    def __call__(self, configuration: FunctionConfiguration, stream: str, lines: Sequence[str]) -> None:
        """Append `lines` to the stream, which is created when it is new."""
        with self._lock:
            self._ensure(configuration.log_group, stream)
            now = int(time.time() * 1000)
            # CloudWatch takes no empty messages.
            events = [{"timestamp": now, "message": line} for line in lines if line.strip()]
            if events:
                self._logs.put_log_events(logGroupName=configuration.log_group, logStreamName=stream, logEvents=events)
            for line in lines:
                self._watch(line)

    def _ensure(self, group: str, stream: str) -> None:
        if (group, stream) in self._known:
            return
        # The template has a group for each function; Lambda makes one where it has not.
        if not self._logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            self._logs.create_log_group(logGroupName=group)
        self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._known.add((group, stream))
