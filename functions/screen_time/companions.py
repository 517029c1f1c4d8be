"""The files that lie beside a result: every sample, the report, and the exports that are asked for."""

from collections.abc import Iterable

from screen_time.conditional_writes import File
from screen_time.documents import FRAMES_NAME, REPORT_NAME, Document, frames_csv
from screen_time.export_format import ExportFormat
from screen_time.exports import export
from screen_time.manifest import Manifest
from screen_time.measurement import Measurement
from screen_time.report.page import report_html

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "edl": "text/plain; charset=utf-8",
    "otio": "application/json",
}
"""By a file's suffix."""


def companions(
    document: Document, measurement: Measurement, manifest: Manifest, exports: Iterable[ExportFormat]
) -> list[File]:
    """What is written with the result `document`, each as it is served to a browser."""
    contents = {
        FRAMES_NAME: frames_csv(measurement, manifest),
        REPORT_NAME: report_html(document, measurement, manifest),
        **export(document, exports),
    }
    return [File(name, body, CONTENT_TYPES[name.rpartition(".")[2]]) for name, body in contents.items()]
