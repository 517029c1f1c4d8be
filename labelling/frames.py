"""The pictures that are labelled: a folder's frames, or a video's, taken out of it once and kept in the cache."""

import hashlib
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import cv2

from screen_time.samples import Frame
from screen_time.video import Video
from training.dataset import frame_files
from training.environment import cache_directory
from training.errors import LabelError
from training.frames import declared_samples
from training.labels import frame_name
from training.reporting import Reporter

Frames = Mapping[int, Path]
"""Image files by their time in ms, in order of time."""

JPEG_QUALITY = 90
LARGEST_SIDE = 1280
"""Larger pictures are no easier to label, and slower to show."""

_COMPLETE = "complete"


def folder_frames(folder: Path) -> Frames:
    """A folder's frame0.jpg, frame1.jpg …; raises LabelError where it has none."""
    files = frame_files(folder)
    if not files:
        raise LabelError(f"{folder} has no frames; they are named frame0.jpg, frame1.jpg … after their second.")
    return dict(sorted(files.items()))


def video_frames(video: Path, interval_ms: int, wanted: Collection[int], reporter: Reporter) -> Frames:
    """A frame each `interval_ms`, or (where any are `wanted`) those times only.

    The same call finds them in the cache again. Raises LabelError where a wanted time lies behind the video's end,
    VideoError where it cannot be read.
    """
    folder = cache_directory("frames") / _key(video, interval_ms, wanted)
    if not (folder / _COMPLETE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _extract(video, interval_ms, wanted, folder, reporter)
        (folder / _COMPLETE).touch()
    frames = folder_frames(folder)
    missing = sorted(set(wanted) - set(frames))
    if missing:
        raise LabelError(f"Second {missing[0] / 1000:g} is to be labelled, but {video} ends before it.")
    return frames


def _extract(video: Path, interval_ms: int, wanted: Collection[int], folder: Path, reporter: Reporter) -> None:
    last = max(wanted, default=None)
    with Video.open(video) as opened:
        reporter.stage(f"Reading the frames of {video.name}", len(wanted) or declared_samples(video, interval_ms))
        for sample in opened.samples(interval_ms):
            if last is not None and sample.start_ms > last:
                return
            if not wanted or sample.start_ms in wanted:
                _write(folder / frame_name(sample.start_ms), sample.image)
                reporter.advance()


def _write(path: Path, image: Frame) -> None:
    scale = LARGEST_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise LabelError(f"{path} cannot be written.")


def _key(video: Path, interval_ms: int, wanted: Collection[int]) -> str:
    status = video.stat()
    parts = (video.resolve(), status.st_size, status.st_mtime_ns, interval_ms, sorted(wanted))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
