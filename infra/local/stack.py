"""The whole system on one machine: the deployed template, its functions, its queues and its model registry."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from infra.local import adaptations, aws, function_environment
from infra.local.deployment import Deployment, deploy
from infra.local.errors import LocalStackError
from infra.local.event_source import EventSource, Poller
from infra.local.execution_environment import ExecutionEnvironment, Platform
from infra.local.function_log import FunctionLog
from infra.local.function_pool import FunctionPool
from infra.local.mlflow_server import MlflowServer, RegistryStore
from infra.local.moto_server import moto_server
from infra.local.processes import ProcessGroups
from infra.local.template import translate

Say = Callable[[str], None]


def _silent(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """What a local stack is made from. Only `root`, the project's directory, has to be given."""

    root: Path
    name: str = "screen-time"
    """CloudFormation's name of the stack. A second one in the same process needs another, and another `Stage`."""
    template: Path | None = None
    """SAM template; default `root`/template.yaml."""
    task_root: Path | None = None
    """The functions' LAMBDA_TASK_ROOT; default `root`/functions."""
    python: Path | None = None
    """Interpreter for the functions; default the function environment of `root`, built where it is missing."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the template that are to differ from their defaults."""
    store: RegistryStore | None = None
    """Where the registry's data lie; default `RegistryStore.of_environment()`."""
    registry_uri: str | None = None
    """An MLflow server that runs already; default MLFLOW_TRACKING_URI where that is an http(s) address.
    None is started then."""
    aws_proxy: Callable[[str], AbstractContextManager[str]] = nullcontext
    """What functions reach AWS through: takes AWS's address, yields the one that they are given."""
    log: Say = _silent
    """Takes each line that a function writes, and Lambda's own between them."""
    announce: Say = _silent
    """Takes a sentence about each thing that takes long or goes wrong."""


class LocalStack:
    """A running local stack, as a context manager; all that it started has ended when it is left, however that is.

    `aws_endpoint` serves every AWS client, `registry_uri` every MLflow client, and `outputs` are the template's. The
    only change to this process's environment variables is moto's MOTO_PORT.
    """

    aws_endpoint: str
    registry_uri: str
    outputs: Mapping[str, str]

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self._resources = ExitStack()
        self._processes: ProcessGroups
        self._platform: Platform
        self._registry: MlflowServer | None = None
        self._pools: dict[str, FunctionPool] = {}
        self._pollers: list[Poller] = []
        self._state_machines: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._resources = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def client(self, service: str) -> aws.Client:
        """A boto3 client of this stack's AWS."""
        return aws.client(service, self.aws_endpoint)

    @property
    def execution_environments(self) -> list[ExecutionEnvironment]:
        """Those of all functions that run now; each has a `pid` and can be told to `kill` itself."""
        return [environment for pool in self._pools.values() for environment in pool.environments]

    @property
    def pids(self) -> list[int]:
        """The processes that the stack has started and not ended: its functions', and the registry's."""
        return self._processes.pids

    def check(self) -> None:
        """Raise LocalStackError where the registry's server ended by itself."""
        if self._registry is not None and not self._registry.alive:
            raise LocalStackError(f"the MLflow server ended by itself: {self._registry.last_words()}")

    def _start(self, starting: ExitStack) -> None:
        """The registry and the function environment take longest: the rest comes up while they do."""
        options = self.options
        self._processes = starting.enter_context(ProcessGroups())
        self._registry = self._start_registry(starting)
        with ThreadPoolExecutor(1) as background:
            python = background.submit(self._python)
            template = adaptations.without_tls_only(translate(options.template or options.root / "template.yaml"))
            self.aws_endpoint = starting.enter_context(moto_server())
            parameters = adaptations.local_parameters(template, self.registry_uri) | dict(options.parameters)
            deployment = deploy(self.client("cloudformation"), options.name, template, parameters)
            reached = starting.enter_context(options.aws_proxy(self.aws_endpoint))
            self._platform = self._platform_with(python.result(), reached)
        self.outputs = deployment.outputs
        if self._registry is not None:
            self._registry.wait()
        self._state_machines = deployment.of_type("AWS::StepFunctions::StateMachine")
        starting.callback(self._stop)
        self._serve(deployment)
        self._poll(deployment)

    def _start_registry(self, starting: ExitStack) -> MlflowServer | None:
        running = self.options.registry_uri or os.environ.get("MLFLOW_TRACKING_URI", "")
        if running.startswith(("http://", "https://")):
            self.registry_uri = running.rstrip("/")
            return None
        store = self.options.store or RegistryStore.of_environment()
        server = starting.enter_context(MlflowServer(store, self._processes))
        self.registry_uri = server.uri
        return server

    def _python(self) -> Path:
        return self.options.python or function_environment.ensure(self.options.root, self.options.announce)

    def _platform_with(self, python: Path, aws_endpoint: str) -> Platform:
        return Platform(
            python=python,
            task_root=self.options.task_root or self.options.root / "functions",
            aws_endpoint=aws_endpoint,
            processes=self._processes,
            log=FunctionLog(self.client("logs"), self.options.log),
        )

    def _serve(self, deployment: Deployment) -> None:
        from infra.local.moto_extensions import functions

        for name in deployment.of_type("AWS::Lambda::Function"):
            arn = self.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
            self._pools[arn] = FunctionPool(lambda configuration: ExecutionEnvironment(configuration, self._platform))
            functions.serve(arn, self._pools[arn].invoke)

    def _poll(self, deployment: Deployment) -> None:
        for mapping_id in deployment.of_type("AWS::Lambda::EventSourceMapping"):
            mapping = self.client("lambda").get_event_source_mapping(UUID=mapping_id)
            self._pollers.append(self._poller(mapping))

    def _poller(self, mapping: Mapping[str, Any]) -> Poller:
        from infra.local.moto_extensions import functions

        sqs = self.client("sqs")
        queue = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].split(":")[-1])["QueueUrl"]
        return Poller(
            EventSource.from_mapping(mapping, queue),
            sqs,
            lambda event: functions.invoke(mapping["FunctionArn"], event),
            self.options.announce,
        )

    def _stop(self) -> None:
        """No new work first, then no functions; only then do the batches in work come to their end."""
        from infra.local.moto_extensions import functions

        for poller in self._pollers:
            poller.stop()
        self._stop_executions()
        for arn, pool in self._pools.items():
            functions.withdraw(arn)
            pool.close()
        for poller in self._pollers:
            poller.join()

    def _stop_executions(self) -> None:
        """Else they would go on trying functions that are gone."""
        stepfunctions = self.client("stepfunctions")
        for arn in self._state_machines:
            running = stepfunctions.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
            for execution in running:
                stepfunctions.stop_execution(executionArn=execution["executionArn"])


def serve(options: StackOptions, ready: Callable[[LocalStack], None]) -> None:
    """Run a stack in the foreground, from the main thread: `ready` is called once it is up, and Ctrl-C (or SIGTERM)
    ends it. Raises LocalStackError where it cannot be started or its registry ends by itself.
    """
    with _interruptible(), suppress(KeyboardInterrupt), LocalStack(options) as stack:
        ready(stack)
        while True:
            stack.check()
            time.sleep(1)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does; and so does SIGINT where a shell started it in the background, ignoring that."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
