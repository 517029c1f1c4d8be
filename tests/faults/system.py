"""The local stack with every part that can fail in the harness's hands, and the ledger of what must come of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil

from demo.clips import ClipSpec, Picture, write_clip
from infra.local.execution_environment import ExecutionEnvironment
from infra.local.function import Invocation
from infra.local.mlflow_server import MlflowServer, RegistryStore
from infra.local.processes import ProcessGroups
from infra.local.stack import LocalStack, StackOptions
from screen_time.documents import ERROR_NAME, RESULT_NAME
from tests.faults.aws_proxy import AwsProxy, Call
from tests.faults.registry_gate import RegistryGate
from tests.registered_models import ModelRegistry

ROOT = Path(__file__).parents[2]

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}

QUICK = {
    "RetryDelaySeconds": "1",
    "LeaseSeconds": "2",
    "VisibilityTimeout": "15",
    "FunctionTimeout": "60",
    # A worker of the state machine is another function: this is about one.
    "LongVideoSeconds": "100000",
}
"""What would take minutes takes seconds; the template's own limits on these are for AWS."""

EMPTY_LOOKS = 4

Seconds = Mapping[str, float]
"""Seconds on screen by colour."""


class FaultError(Exception):
    """The system did what it must never do."""


def coloured(path: Path, seconds: Seconds) -> bytes:
    """A video that shows one colour after the other, each for some seconds."""

    def frames() -> Iterator[tuple[Fraction, Picture]]:
        number = 0
        for colour, length in seconds.items():
            for _ in range(round(length * 10)):
                yield Fraction(number, 10), np.full((48, 64, 3), COLOURS[colour], dtype=np.uint8)
                number += 1

    return write_clip(path, ClipSpec(frame_rate=Fraction(10)), frames()).read_bytes()


@dataclass
class Lottery:
    """Kills one in `one_in` invocations at a random moment of its life; None kills nobody."""

    one_in: int | None = None
    chance: Random = field(default_factory=lambda: Random(5))
    invocations: int = 0
    killed: int = 0
    _owed: int = 0
    _lives: deque[float] = field(default_factory=lambda: deque([0.5], maxlen=50))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> float | None:
        """After how many seconds the next invocation is killed: some part of how long another one took."""
        with self._lock:
            self.invocations += 1
            if self.one_in is None:
                return None
            self._owed += not self.chance.randrange(self.one_in)
            if self._owed <= 0:
                return None
            self._owed -= 1
            return self.chance.random() * self.chance.choice(self._lives)

    def ended(self, seconds: float, *, drawn: bool, killed: bool) -> None:
        """Learn how long an invocation lived; one that was drawn and over too soon is made up for by another."""
        with self._lock:
            self.killed += killed
            self._owed += drawn and not killed
            if not drawn:
                self._lives.append(seconds)


class _Mortal(ExecutionEnvironment):
    """An execution environment that takes part in a lottery."""

    lottery = Lottery()

    def invoke(self, event: bytes) -> Invocation:
        seconds, began = self.lottery.draw(), time.monotonic()
        killer = threading.Timer(seconds or 0, self.kill)
        if seconds is not None:
            killer.start()
        try:
            invocation = super().invoke(event)
        finally:
            killer.cancel()
        self.lottery.ended(time.monotonic() - began, drawn=seconds is not None, killed=invocation.failed)
        return invocation


@dataclass
class FaultySystem:
    """A running stack; `drop` enters what is expected into the ledger, and `verify` holds the system to it."""

    stack: LocalStack
    registry: ModelRegistry
    gate: RegistryGate
    aws: AwsProxy
    lottery: Lottery
    directory: Path
    log: list[str] = field(default_factory=list)
    expected: dict[str, Seconds | str] = field(default_factory=dict)
    """Key → seconds by colour, or the code of its error."""

    def __post_init__(self) -> None:
        self.s3, self.sqs = self.stack.client("s3"), self.stack.client("sqs")
        self.videos, self.results = (self.stack.outputs[f"{name}BucketName"] for name in ("Videos", "Results"))
        self.queue, self.dead_letters = self.stack.outputs["QueueUrl"], self.stack.outputs["DeadLetterQueueUrl"]
        self._clips: dict[tuple[tuple[str, float], ...], bytes] = {}

    def clip(self, seconds: Seconds) -> bytes:
        """The video of these colours, encoded once."""
        key = tuple(seconds.items())
        if key not in self._clips:
            self._clips[key] = coloured(self.directory / f"clip-{len(self._clips)}.mp4", seconds)
        return self._clips[key]

    def drop(self, key: str, content: Seconds | bytes, error: str | None = None) -> dict[str, str]:
        """Upload; bytes are no video, and end in the given error. Returns S3's version and etag."""
        body = content if isinstance(content, bytes) else self.clip(content)
        self.expected[key] = error or content  # type: ignore[assignment]
        answer = self.s3.put_object(Bucket=self.videos, Key=key, Body=body)
        return {"versionId": answer["VersionId"], "eTag": answer["ETag"].strip('"')}

    def event(self, key: str, stored: Mapping[str, str]) -> str:
        """S3's event about an object, as the queue has it."""
        thing = {"bucket": {"name": self.videos}, "object": {"key": key, **stored}}
        return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": thing}]})

    def messages(self, queue: str) -> int:
        """Messages in a queue, in work ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def settle(self, seconds: float) -> None:
        """Return when the queue was empty each time that it was looked at in a row, and every video has its outcome.

        Once is not enough: a message that comes back between the two counts is in neither, and the event of an upload
        may be on its way yet. Raises FaultError after so many seconds, for a lost video as for a message that stays.
        """
        end, empty = time.monotonic() + seconds, 0
        while empty < EMPTY_LOOKS or self._unanswered():
            empty = 0 if self.messages(self.queue) else empty + 1
            if time.monotonic() > end:
                left = f"{self.messages(self.queue)} messages are left, and no outcome has come of {self._unanswered()}"
                raise FaultError(f"after {seconds:.0f} s {left}: {self.log[-8:]}")
            time.sleep(0.05)

    def _unanswered(self) -> list[str]:
        """The videos without a document; none while as many dead letters tell of them."""
        names = (RESULT_NAME, ERROR_NAME)
        left = [key for key in self.expected if all(self.document(key, name) is None for name in names)]
        return left if len(left) > self.messages(self.dead_letters) else []

    def document(self, key: str, name: str) -> dict[str, Any] | None:
        """A video's document, None where there is none."""
        with suppress(self.s3.exceptions.NoSuchKey):
            document: dict[str, Any] = json.loads(
                self.s3.get_object(Bucket=self.results, Key=f"{key}/{name}")["Body"].read()
            )
            return document
        return None

    def times_written(self, key: str, name: str = RESULT_NAME) -> int:
        """How often a document of a video was written."""
        listed = self.s3.list_object_versions(Bucket=self.results, Prefix=f"{key}/{name}")
        return len(listed.get("Versions", ()))

    def verify(self, *, exactly_once: bool = True) -> int:
        """Hold every dropped video to what is expected of it; returns how many there are. Raises FaultError."""
        for key, expected in self.expected.items():
            result, error = self.document(key, RESULT_NAME), self.document(key, ERROR_NAME)
            if (result is None) == (error is None):
                raise FaultError(f"{key} has {'neither result nor error' if result is None else 'both'}")
            if isinstance(expected, str):
                found: object = error and error["error"]["code"]
            else:
                found = result and {n: c["seconds"] for n, c in result["characters"].items() if c["seconds"]}
            if found != expected:
                raise FaultError(f"{key}: {found} instead of {expected}")
            if exactly_once and self.times_written(key, RESULT_NAME if result else ERROR_NAME) != 1:
                raise FaultError(f"{key} was written more than once")
            self._verify_whole(key)
        return len(self.expected)

    def _verify_whole(self, key: str) -> None:
        with suppress(self.s3.exceptions.ClientError):
            head = self.s3.head_object(Bucket=self.results, Key=f"{key}/{RESULT_NAME}")
            for pair in head["Metadata"]["files"].split(","):
                name, etag = pair.split("=")
                if self.s3.head_object(Bucket=self.results, Key=f"{key}/{name}")["ETag"].strip('"') != etag:
                    raise FaultError(f"{key}/{name} is not the one that the result was written with")

    def verify_dead_letters(self, count: int) -> None:
        """The dead-letter queue holds as many, which is what its alarm looks at."""
        if (found := self.messages(self.dead_letters)) != count:
            raise FaultError(f"{found} dead letters instead of {count}: {self.log[-8:]}")

    def forget(self) -> None:
        """Begin a new page of the ledger, without the dead letters that an earlier scenario has left."""
        while letters := self.sqs.receive_message(QueueUrl=self.dead_letters, MaxNumberOfMessages=10).get("Messages"):
            for letter in letters:
                self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=letter["ReceiptHandle"])
        self.expected.clear()
        self.log.clear()
        self.aws.reset()

    def model(self, key: str) -> dict[str, Any]:
        """Which model measured a video, as its result says."""
        document = self.document(key, RESULT_NAME)
        if document is None:
            raise FaultError(f"{key} has no result")
        model: dict[str, Any] = document["model"]
        return model

    def command(self, *arguments: str) -> str:
        """Run a command of `screen-time` against this stack, as an operator does; returns what it prints."""
        command = [
            str(Path(sys.executable).with_name("screen-time")),
            *arguments,
            "--endpoint-url",
            self.stack.aws_endpoint,
        ]
        credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        answer = subprocess.run(
            command, env=os.environ | credentials, capture_output=True, text=True, check=False, timeout=120
        )
        if answer.returncode:
            raise FaultError(f"screen-time {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout.strip()

    def kill(self, call: Call) -> None:
        """Kill the function that made the call, as Lambda's host may at any moment."""
        for environment in self.stack.execution_environments:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                connections = psutil.Process(environment.pid).net_connections("tcp")
                if any(each.laddr and each.laddr.port == call.port for each in connections):
                    os.killpg(environment.pid, signal.SIGKILL)
                    return

    def kill_all(self) -> None:
        """Kill every function: what comes next is a cold start."""
        for environment in self.stack.execution_environments:
            with suppress(ProcessLookupError):
                os.killpg(environment.pid, signal.SIGKILL)

    def logged(self, text: str) -> int:
        """How many lines of the log hold `text`."""
        return sum(text in line for line in self.log)


@contextmanager
def faulty_system(directory: Path, python: Path | None = None, **parameters: str) -> Iterator[FaultySystem]:
    """A stack whose champion tells colours apart, with what fails between its parts."""
    log: list[str] = []
    aws, lottery = AwsProxy(), Lottery()
    _Mortal.lottery = lottery
    with ExitStack() as started:
        started.enter_context(patch("infra.local.stack.ExecutionEnvironment", _Mortal))
        processes = started.enter_context(ProcessGroups())
        server = started.enter_context(MlflowServer(RegistryStore(directory / "registry"), processes))
        server.wait()
        gate = RegistryGate(server.uri)
        options = StackOptions(
            root=ROOT,
            registry_uri=started.enter_context(gate.serving()),
            python=python,
            parameters=QUICK | parameters,
            aws_proxy=aws.between,
            log=log.append,
        )
        stack = started.enter_context(LocalStack(options))
        registry = ModelRegistry(server.uri, directory / "models")
        registry.register(alias="champion")
        yield FaultySystem(stack, registry, gate, aws, lottery, directory, log)
