"""The files of model versions: on local disk, in the models bucket, and first of all in the registry."""

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.classifier import verified_manifest
from screen_time.errors import ModelError, RegistryError
from screen_time.manifest import MANIFEST_NAME, Manifest, sha256
from screen_time.observability import logger
from screen_time.registry import ModelVersion, Registry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALIAS_FILE = "alias-{alias}.json"
"""In the models bucket: the version that last served under an alias."""


class ModelStore:
    """Finds a version's served files, nearest copy first, and verifies them wherever they come from.

    The models bucket is this function's own cache: it spares the registry when many functions start at once, and it
    is what the function starts from while the registry is down.
    """

    def __init__(self, s3: "S3Client", bucket: str, registry: Registry, disk: Path | None = None) -> None:
        self._s3, self._bucket, self._registry = s3, bucket, registry
        self._disk = disk or Path(tempfile.gettempdir()) / "screen-time-models"

    def fetch(self, version: ModelVersion) -> tuple[Path, Manifest]:
        """The directory of the version's files, verified, and their manifest; raises RegistryError or ModelError."""
        directory = self._directory(version)
        if directory.is_dir():
            try:
                return directory, verified_manifest(directory, version.digest)
            except ModelError:
                logger.warning("a model on local disk is damaged and is fetched again", model_version=version.version)
                shutil.rmtree(directory, ignore_errors=True)
        try:
            return directory, self._fetch(version, directory)
        except OSError as error:
            raise RegistryError(f"The model cannot be stored on local disk: {error}") from error

    def last_served(self, name: str, alias: str) -> ModelVersion | None:
        """The version that last served under `alias`, as the models bucket remembers it; None where it does not."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=f"{name}/{ALIAS_FILE.format(alias=alias)}")
            return ModelVersion(**json.loads(answer["Body"].read()))
        except (ClientError, BotoCoreError, ValueError, TypeError):
            return None

    def remember(self, version: ModelVersion, alias: str) -> None:
        """Keep the version that now serves under `alias`, and its files, for when the registry is down."""
        directory = self._directory(version)
        try:
            if not self._is_kept(version):
                for path in sorted(directory.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
                    self._s3.upload_file(str(path), self._bucket, self._key(version, path.name))
            self._s3.put_object(
                Bucket=self._bucket,
                Key=f"{version.name}/{ALIAS_FILE.format(alias=alias)}",
                Body=json.dumps(asdict(version)).encode(),
                ContentType="application/json",
            )
        except (ClientError, BotoCoreError, OSError) as error:
            # The version serves all the same; the next cold start tries again.
            logger.warning("the model cannot be kept in the models bucket", reason=str(error))

    def _fetch(self, version: ModelVersion, directory: Path) -> Manifest:
        """Fetch and verify in a directory of our own first: what has the final name is whole."""
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as name:
            fetched = Path(name) / "files"
            fetched.mkdir()
            manifest = self._fetch_kept(version, fetched)
            if manifest is None:
                self._registry.download(version, fetched)
                manifest = verified_manifest(fetched, version.digest)
            try:
                fetched.replace(directory)
            except OSError:
                if not directory.is_dir():  # else somebody else was faster, with the same files
                    raise
        return manifest

    def _fetch_kept(self, version: ModelVersion, directory: Path) -> Manifest | None:
        """Fetch from the models bucket and verify; None where it holds no good copy."""
        try:
            manifest = self._s3.get_object(Bucket=self._bucket, Key=self._key(version, MANIFEST_NAME))["Body"].read()
            if sha256(manifest) != version.digest:
                return None
            (directory / MANIFEST_NAME).write_bytes(manifest)
            for name in Manifest.from_json(manifest).files:
                self._s3.download_file(self._bucket, self._key(version, name), str(directory / name))
            return verified_manifest(directory, version.digest)
        except (ClientError, BotoCoreError, ModelError):
            return None

    def _directory(self, version: ModelVersion) -> Path:
        return self._disk / version.name / f"{version.version}-{version.digest[:16]}"

    def _is_kept(self, version: ModelVersion) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=self._key(version, MANIFEST_NAME))
        except ClientError:
            return False
        return True

    @staticmethod
    def _key(version: ModelVersion, name: str) -> str:
        return f"{version.name}/{version.version}-{version.digest}/{name}"
