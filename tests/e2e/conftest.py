"""The deployed system on this machine: the real template, the real function, a real registry."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.clips import ClipSpec, Picture, write_clip
from infra.local.mlflow_server import RegistryStore
from infra.local.stack import LocalStack, StackOptions
from screen_time.documents import ERROR_NAME, RESULT_NAME
from tests.registered_models import ModelRegistry

ROOT = Path(__file__).parents[2]
COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}
FRAME_RATE = Fraction(10)

Document = dict[str, Any]


@dataclass
class System:
    """The running stack, with what a user does: drop videos, look for documents."""

    stack: LocalStack
    registry: ModelRegistry
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = self.stack.client("s3")
        self.videos = self.stack.outputs["VideosBucketName"]
        self.results = self.stack.outputs["ResultsBucketName"]

    def drop(self, key: str, body: bytes) -> None:
        """Upload a video."""
        self.s3.put_object(Bucket=self.videos, Key=key, Body=body)

    def document(self, key: str, name: str = RESULT_NAME, seconds: float = 90) -> Document:
        """The video's document, as soon as it is there."""
        end = time.monotonic() + seconds
        path = f"{key}/{name}"
        while path not in self.written():
            assert time.monotonic() < end, f"no {path} after {seconds} s; the log ends: {self.log[-15:]}"
            time.sleep(0.1)
        document: Document = json.loads(self.s3.get_object(Bucket=self.results, Key=path)["Body"].read())
        return document

    def error(self, key: str) -> Document:
        """The video's `error.json`, as soon as it is there."""
        return self.document(key, ERROR_NAME)

    def written(self) -> set[str]:
        """All that lies in the results bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.results)
        return {item["Key"] for page in pages for item in page.get("Contents", ())}

    def times_written(self, key: str) -> int:
        """How many results were ever written for a video."""
        prefix = f"{key}/{RESULT_NAME}"
        return len(self.s3.list_object_versions(Bucket=self.results, Prefix=prefix).get("Versions", ()))

    def messages(self, output: str = "QueueUrl") -> int:
        """How many messages a queue holds, in work ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.stack.outputs[output]
        attributes = self.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Return when every message was dealt with."""
        end = time.monotonic() + seconds
        while self.messages():
            assert time.monotonic() < end, f"{self.messages()} messages left; the log ends: {self.log[-15:]}"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def parameters() -> dict[str, str]:
    """Parameters of the template that a module wants to differ from their defaults."""
    return {}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, str]) -> Iterator[System]:
    """One stack for a module's tests, with the template's own settings; its champion tells colours apart."""
    directory = tmp_path_factory.mktemp("stack")
    log: list[str] = []
    options = StackOptions(
        root=ROOT,
        store=RegistryStore(directory),
        log=log.append,
        parameters=parameters,
    )
    with LocalStack(options) as stack:
        registry = ModelRegistry(stack.registry_uri, directory / "models")
        registry.register(alias="champion")
        yield System(stack, registry, log)


def coloured(path: Path, *seconds: tuple[str, float]) -> bytes:
    """A video that shows one colour after the other, each for some seconds."""

    def frames() -> Iterator[tuple[Fraction, Picture]]:
        number = 0
        for colour, length in seconds:
            for _ in range(round(length * FRAME_RATE)):
                yield number / FRAME_RATE, np.full((48, 64, 3), COLOURS[colour], dtype=np.uint8)
                number += 1

    return write_clip(path, ClipSpec(frame_rate=FRAME_RATE), frames()).read_bytes()


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds red, one green, then half a second blue."""
    return coloured(tmp_path_factory.mktemp("clips") / "short.mp4", ("red", 2), ("green", 1), ("blue", 0.5))


@pytest.fixture(scope="session")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two hours of red, which take some seconds to measure."""
    return coloured(tmp_path_factory.mktemp("clips") / "long.mp4", ("red", 7200))
