"""`segments.csv`: a row for each segment of each character."""

import csv
import io

from screen_time.documents import Document
from screen_time.exports.stretches import segments

NAME = "segments.csv"


def write(document: Document) -> bytes:
    """Times in seconds with three decimals, as the JSON has them; the end is exclusive."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["character", "start", "end", "seconds", "confidence"])
    for each in segments(document):
        ((name, confidence),) = each.confidences
        times = (each.start_ms, each.end_ms, each.end_ms - each.start_ms)
        writer.writerow([name, *(f"{time / 1000:.3f}" for time in times), f"{confidence:.4f}"])
    return text.getvalue().encode()
