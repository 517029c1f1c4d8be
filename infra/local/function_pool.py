"""Lambda's side of a function: warm execution environments are used again, and concurrent invocations get their own."""

import threading
from collections.abc import Callable

from infra.local.execution_environment import ExecutionEnvironment
from infra.local.function import FunctionConfiguration, Invocation

Launch = Callable[[FunctionConfiguration], ExecutionEnvironment]


class FunctionPool:
    """All execution environments of one function."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._lock = threading.Lock()
        self._idle: list[ExecutionEnvironment] = []
        self._busy: list[ExecutionEnvironment] = []
        self._closed = False

    @property
    def environments(self) -> list[ExecutionEnvironment]:
        """Those that run now, at work or waiting."""
        with self._lock:
            return [environment for environment in (*self._busy, *self._idle) if environment.alive]

    def invoke(self, configuration: FunctionConfiguration, event: bytes) -> Invocation:
        """Run one invocation, in the environment that was used last if it is free."""
        environment = self._take(configuration)
        try:
            return environment.invoke(event)
        finally:
            self._give_back(environment)

    def close(self) -> None:
        """End every environment; invocations that are under way end as if it had crashed."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for environment in idle:
            environment.close()
        for environment in busy:
            environment.kill()

    def _take(self, configuration: FunctionConfiguration) -> ExecutionEnvironment:
        """A warm environment, or a new one where none is warm or the configuration has changed."""
        with self._lock:
            candidates, self._idle = self._idle, []
            usable = [each for each in candidates if each.alive and each.configuration == configuration]
            environment = usable.pop() if usable else None
            self._idle = usable
            if environment is not None:
                self._busy.append(environment)
        for each in candidates:
            if each is not environment and each not in usable:
                each.close()
        return environment or self._launched(configuration)

    def _launched(self, configuration: FunctionConfiguration) -> ExecutionEnvironment:
        environment = self._launch(configuration)
        with self._lock:
            self._busy.append(environment)
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._busy.remove(environment)
            keep = environment.alive and not self._closed
            if keep:
                self._idle.append(environment)
        if not keep:
            environment.close()
