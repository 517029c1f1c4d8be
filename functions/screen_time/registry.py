"""The model registry: MLflow's REST API over one kept connection.

MLflow's own client is not used: importing it costs 1.3 s of a cold start, and this is three requests. The addresses
are documented in MLflow's REST API reference, but for the one that hands out a version's artifacts, which MLflow's
web page uses and every MLflow server has.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from screen_time.errors import ModelError, NotRegisteredError, RegistryError
from screen_time.manifest import DIGEST_TAG, MANIFEST_NAME, SERVED_DIRECTORY, Manifest, sha256

Headers = Mapping[str, str]

TIMEOUT = urllib3.Timeout(connect=2.0, read=20.0)
ALIAS_TIMEOUT = urllib3.Timeout(connect=2.0, read=4.0)
"""A registry that hangs must not hold every video up for long: there is a version to go on with."""

RETRIES = urllib3.Retry(total=1, backoff_factor=0.2, status_forcelist=(502, 503, 504), raise_on_status=False)

CHUNK_BYTES = 1024 * 1024

NOT_REGISTERED = (400, 404)
"""MLflow's answers where there is no such model or version, and where no version carries the alias."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered version, as the registry describes it; `digest` is of its served form's manifest.

    `created_ms` is when it was registered, in milliseconds since the epoch; None where nobody knows any more.
    """

    name: str
    version: str
    run_id: str | None
    digest: str
    created_ms: int | None = None


class Registry:
    """Reads versions and their served files. `authorization` gives the headers, anew after each refusal."""

    def __init__(self, uri: str, authorization: Callable[[], Headers] = dict) -> None:
        self._uri = uri
        self._authorization = authorization
        self._headers: Headers | None = None
        self._http = urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES)

    def version_of_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that carries `alias`.

        Raises RegistryError where the registry does not answer, NotRegisteredError where it says that no version
        carries it, and ModelError where the version was registered without its served form.
        """
        response = self._get("/api/2.0/mlflow/registered-models/alias", name=name, alias=alias)
        try:
            found: dict[str, Any] = json.loads(response.data)["model_version"]
            version, tags = str(found["version"]), {tag["key"]: tag["value"] for tag in found.get("tags", ())}
            created = int(found["creation_timestamp"]) if "creation_timestamp" in found else None
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(f"The registry's answer about {name}@{alias} cannot be read.") from error
        if DIGEST_TAG not in tags:
            raise ModelError(f"Version {version} of {name} has no served form (its tag {DIGEST_TAG} is missing).")
        return ModelVersion(name, version, found.get("run_id") or None, tags[DIGEST_TAG], created)

    def download(self, version: ModelVersion, directory: Path) -> None:
        """Fetch the version's served files into `directory`; raises RegistryError, or ModelError for a bad manifest."""
        manifest = self._get_artifact(version, MANIFEST_NAME, directory)
        if sha256(manifest.read_bytes()) != version.digest:
            raise ModelError(f"The {MANIFEST_NAME} of version {version.version} differs from the registered digest.")
        for name in Manifest.from_json(manifest.read_bytes()).files:
            self._get_artifact(version, name, directory)

    def _get_artifact(self, version: ModelVersion, name: str, directory: Path) -> Path:
        target = directory / name
        response = self._get(
            "/model-versions/get-artifact",
            stream=True,
            name=version.name,
            version=version.version,
            path=f"{SERVED_DIRECTORY}/{name}",
        )
        try:
            with target.open("wb") as file:
                for chunk in response.stream(CHUNK_BYTES):
                    file.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise RegistryError(f"{name} of version {version.version} cannot be fetched: {error}") from error
        except OSError as error:
            raise RegistryError(f"The model cannot be stored on local disk: {error}") from error
        finally:
            response.release_conn()
        return target

    def _get(self, address: str, *, stream: bool = False, **fields: str) -> urllib3.BaseHTTPResponse:
        response = self._request(address, fields, stream=stream)
        if response.status in (401, 403):
            self._headers = None  # the credentials may have been rotated
            response = self._request(address, fields, stream=stream)
        if response.status != 200:
            kind = NotRegisteredError if response.status in NOT_REGISTERED else RegistryError
            raise kind(f"The registry answers {response.status}: {_reason(response)}")
        return response

    def _request(self, address: str, fields: dict[str, str], *, stream: bool) -> urllib3.BaseHTTPResponse:
        if self._headers is None:
            self._headers = self._authorization()
        try:
            return self._http.request(
                "GET",
                self._uri + address,
                fields=fields,
                headers=self._headers,
                preload_content=not stream,
                timeout=TIMEOUT if stream else ALIAS_TIMEOUT,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RegistryError(f"The registry does not answer: {error}") from error


def _reason(response: urllib3.BaseHTTPResponse) -> str:
    """MLflow's own words, or the beginning of whatever else answered."""
    text = response.data.decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
