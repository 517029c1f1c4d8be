"""Cold starts of the function as it is deployed: from the start of its process to the result of a clip in the bucket.

The process is that of AWS's runtime client, on the local stack; its model lies on local disk, in the models bucket, or
in the registry alone. `python -m benchmarks.cold_start VIDEO MODEL` prints the median seconds of each as JSON. The
stack's S3, its queue and the registry share this machine's processors with the function.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import ClassVar
from unittest.mock import patch

from infra.local.execution_environment import ExecutionEnvironment
from infra.local.function import Invocation
from infra.local.mlflow_server import RegistryStore
from infra.local.stack import LocalStack, StackOptions
from screen_time.documents import RESULT_NAME
from screen_time.manifest import DIGEST_TAG, MANIFEST_NAME, SERVED_DIRECTORY, sha256
from training.model_names import ALIAS, MODEL_NAME

ROOT = Path(__file__).parents[1]
RUNS = 5
LONGEST_SECONDS = 60.0

MODELS = "screen-time-models"
"""Where, in its temporary directory, the function keeps models."""


class _Watched(ExecutionEnvironment):
    """Starts with the models of `kept` on its disk, and notes how long after its start it had answered."""

    kept: ClassVar[Path | None] = None
    answered: ClassVar[list[float]] = []

    def _start(self) -> "Popen[bytes]":
        if self.kept is not None:
            shutil.copytree(self.kept, self.models)
        self._started = time.time()
        return super()._start()

    @property
    def models(self) -> Path:
        """The models on its disk."""
        return self._directory / MODELS

    def invoke(self, event: bytes) -> Invocation:
        invocation = super().invoke(event)
        if not invocation.failed:
            self.answered.append(time.time() - self._started)
        return invocation


def main() -> None:
    """Start the function cold again and again, with the video and the model that the command line names."""
    video, served = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name, _stack(Path(name), served) as stack:
        _cold(stack, video)  # the interpreter's and the libraries' files are read from the disk only once
        kept = Path(name) / "kept"
        for environment in stack.execution_environments:
            if isinstance(environment, _Watched) and environment.models.exists():
                shutil.copytree(environment.models, kept)
        seconds = {
            "on local disk": _median(stack, video, kept),
            "in the models bucket": _median(stack, video, None),
            "in the registry": _median(stack, video, None, empty=True),
        }
    print(json.dumps(seconds))


@contextmanager
def _stack(directory: Path, served: Path) -> Iterator[LocalStack]:
    options = StackOptions(root=ROOT, store=RegistryStore(directory / "registry"))
    with patch("infra.local.stack.ExecutionEnvironment", _Watched), LocalStack(options) as stack:
        _register(stack.registry_uri, served)
        yield stack


def _register(uri: str, served: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    run = client.create_run("0")
    client.log_artifacts(run.info.run_id, str(served), f"model/{SERVED_DIRECTORY}")
    client.create_registered_model(MODEL_NAME)
    source = f"{run.info.artifact_uri}/model"
    version = client.create_model_version(MODEL_NAME, source, run.info.run_id, await_creation_for=0).version
    client.set_model_version_tag(MODEL_NAME, version, DIGEST_TAG, sha256((served / MANIFEST_NAME).read_bytes()))
    client.set_registered_model_alias(MODEL_NAME, ALIAS, version)


def _median(stack: LocalStack, video: Path, kept: Path | None, *, empty: bool = False) -> float:
    return statistics.median(_cold(stack, video, kept, empty=empty) for _ in range(RUNS))


def _cold(stack: LocalStack, video: Path, kept: Path | None = None, *, empty: bool = False) -> float:
    """Seconds from the start of a new process to its answer; with `empty`, the models bucket is emptied first."""
    for environment in stack.execution_environments:
        environment.kill()
    s3, key = stack.client("s3"), f"{uuid.uuid4().hex}.mp4"
    models = stack.outputs["ModelsBucketName"]
    for item in s3.list_objects_v2(Bucket=models).get("Contents", ()) if empty else ():
        s3.delete_object(Bucket=models, Key=item["Key"])
    _Watched.kept = kept
    _Watched.answered.clear()
    s3.upload_file(str(video), stack.outputs["VideosBucketName"], key)
    end = time.time() + LONGEST_SECONDS
    while not _Watched.answered:
        if time.time() > end:
            raise RuntimeError(f"no answer after {LONGEST_SECONDS:g} s")
        time.sleep(0.01)
    written = s3.get_object(Bucket=stack.outputs["ResultsBucketName"], Key=f"{key}/{RESULT_NAME}")["Body"].read()
    if json.loads(written)["counters"]["truncated"]:
        raise RuntimeError(f"the clip was not measured to its end: {written!r}")
    return _Watched.answered[0]


if __name__ == "__main__":
    main()
