"""The forms that a result can be turned into, apart from what it takes to write them."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """What a result can be turned into."""

    CSV = "csv"
    """segments.csv: a row for each segment."""
    VTT = "vtt"
    """chapters.vtt and metadata.vtt: text tracks for players."""
    EDL = "edl"
    """segments.edl: a CMX 3600 edit decision list."""
    OTIO = "otio"
    """timeline.otio: OpenTimelineIO, a track for each character."""
