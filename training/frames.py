"""The frames of a video as images, and a label file to fill in."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import cv2

from screen_time.container import declared_seconds, open_stream
from screen_time.errors import VideoError
from screen_time.samples import Frame
from screen_time.video import Video
from screen_time.video_limits import VideoLimits
from training.errors import LabelError, TrainingError
from training.labels import frame_name
from training.reporting import Reporter, Silent

LABELS_NAME = "labels.csv"
JPEG_QUALITY = 95
SHORTEST_INTERVAL_MS = 40


@dataclass(frozen=True, slots=True)
class WrittenFrames:
    """How many frames were written, and the label file that waits for their classes."""

    count: int
    labels: Path


def write_frames(
    video: Path, folder: Path, every_seconds: float = 1.0, reporter: Reporter | None = None
) -> WrittenFrames:
    """Write a frame each `every_seconds` as frame<second>.jpg (frame2.5.jpg between seconds), and labels.csv.

    Files of the same names are replaced, but a labels.csv in which something is filled in never: then LabelError is
    raised and nothing is written. Raises VideoError where the video cannot be read.
    """
    reporter = reporter or Silent()
    interval_ms = round(every_seconds * 1000)
    if interval_ms < SHORTEST_INTERVAL_MS:
        raise TrainingError(f"A frame every {every_seconds:g} s is too often; at least 0.04 s must lie between two.")
    labels = folder / LABELS_NAME
    refuse_filled(labels)
    reporter.stage("Writing frames", declared_samples(video, interval_ms))
    names = []
    with Video.open(video) as opened:
        folder.mkdir(parents=True, exist_ok=True)
        for sample in opened.samples(interval_ms):
            names.append(frame_name(sample.start_ms))
            write_image(folder / names[-1], sample.image)
            reporter.advance()
    _write_labels(labels, names)
    return WrittenFrames(len(names), labels)


def declared_samples(video: Path, interval_ms: int) -> int | None:
    """How many samples a video has by its header; None where that says nothing, or where it is no video."""
    with video.open("rb") as file:
        try:
            container, stream = open_stream(file, VideoLimits())
        except VideoError:
            return None  # reading it will say why
        with container:
            return math.ceil(declared_seconds(stream) * 1000 / interval_ms) or None


def refuse_filled(labels: Path) -> None:
    """Raise LabelError where `labels` exists and something is filled in."""
    if not labels.exists():
        return
    with labels.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(csv.reader(file))
    # Anything but the bare list of names: another delimiter, another column, a class.
    if any(len(row) != 2 or row[1] for row in rows[1:]):
        raise LabelError(f"{labels} is filled in already; choose another folder, or move it away.")


def write_image(path: Path, image: Frame) -> None:
    """Write a frame as JPEG; raises TrainingError where it cannot be."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise TrainingError(f"{path} cannot be written.")


def _write_labels(path: Path, names: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("Image_ID", "Class"))
        writer.writerows((name, "") for name in names)
