"""The lines that Lambda itself writes into a function's log, in both of its formats."""

import json
from datetime import UTC, datetime

from infra.local.function import FunctionConfiguration


def start(configuration: FunctionConfiguration, request_id: str) -> str:
    """The line before an invocation's own."""
    if configuration.log_format == "JSON":
        return _record("platform.start", requestId=request_id, version="$LATEST")
    return f"START RequestId: {request_id} Version: $LATEST"


def report(
    configuration: FunctionConfiguration, request_id: str, seconds: float, peak_bytes: int, *, status: str
) -> str:
    """The line after an invocation's own; `status` is success, error, failure or timeout."""
    milliseconds, peak = round(seconds * 1000, 2), -(-peak_bytes // 2**20)
    if configuration.log_format == "JSON":
        metrics = {
            "durationMs": milliseconds,
            "memorySizeMB": configuration.memory_mebibytes,
            "maxMemoryUsedMB": peak,
        }
        return _record("platform.report", requestId=request_id, status=status, metrics=metrics)
    return (
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds} ms\t"
        f"Memory Size: {configuration.memory_mebibytes} MB\tMax Memory Used: {peak} MB\tStatus: {status}"
    )


def _record(kind: str, **record: object) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": now, "type": kind, "record": record})
