"""A result in the forms that spreadsheets, players and editors read. docs/exports.md explains them."""

from collections.abc import Callable, Iterable, Mapping

from screen_time.documents import Document
from screen_time.export_format import ExportFormat
from screen_time.exports import edl, otio, segments_csv, webvtt

Files = Mapping[str, bytes]
"""File names and their contents."""


_WRITERS: Mapping[ExportFormat, Callable[[Document], Files]] = {
    ExportFormat.CSV: lambda document: {segments_csv.NAME: segments_csv.write(document)},
    ExportFormat.VTT: lambda document: {
        webvtt.CHAPTERS_NAME: webvtt.chapters(document),
        webvtt.METADATA_NAME: webvtt.metadata(document),
    },
    ExportFormat.EDL: lambda document: {edl.NAME: edl.write(document)},
    ExportFormat.OTIO: lambda document: {otio.NAME: otio.write(document)},
}

EXPORT_NAMES = (segments_csv.NAME, webvtt.CHAPTERS_NAME, webvtt.METADATA_NAME, edl.NAME, otio.NAME)
"""Every file that an export may write."""


def export(document: Document, formats: Iterable[ExportFormat]) -> Files:
    """A result's `document` (the content of `screen-time.json`) in each of `formats`: file names and contents."""
    return {name: content for each in formats for name, content in _WRITERS[each](document).items()}


def only(document: Document, names: Iterable[str]) -> Document:
    """`document` with the segments of the characters `names` alone; raises ValueError for one that it has not."""
    wanted = list(names)
    for name in wanted:
        if name not in document["characters"]:
            known = ", ".join(document["characters"])
            raise ValueError(f"the result has no character {name!r}; it has {known}.")
    return {**document, "characters": {name: document["characters"][name] for name in wanted}}
