"""What is labelled: frames, the file they are labelled in, and a model's suggestions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from threading import Lock

from labelling.frames import Frames, folder_frames, video_frames
from labelling.sheet import Sheet
from labelling.suggestions import Suggestions
from screen_time.classifier import verified_manifest
from screen_time.manifest import Semantics
from training.errors import LabelError
from training.registry import ResolvedModel
from training.reporting import Reporter

EVERY_SECOND_MS = 1000
CLOSEST_MS = 40


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Names of the classes (none: what file or model say), several of them in one frame, and time between frames.

    Without an interval the frames that the label file lists are shown, and one a second for a new file.
    """

    classes: tuple[str, ...] = ()
    several: bool = False
    interval_ms: int | None = None


@dataclass(slots=True)
class Job:
    """One video's frames and its label file; whoever reads or changes the file holds the lock."""

    title: str
    frames: Frames
    sheet: Sheet
    suggestions: Suggestions | None = None
    lock: Lock = field(default_factory=Lock)


def open_job(video: Path, labels: Path, options: JobOptions, model: ResolvedModel | None, reporter: Reporter) -> Job:
    """Read a video (or a folder of frames) and its label file, which need not exist yet.

    Raises LabelError where the two do not fit, VideoError where the video cannot be read, ModelError where the model
    cannot be loaded.
    """
    manifest = None if model is None else verified_manifest(model.directory)
    independent = manifest is not None and manifest.semantics is Semantics.INDEPENDENT
    sheet = Sheet(
        labels,
        options.classes,
        known=() if manifest is None else manifest.labels,
        several=options.several or (independent and not labels.exists()),
    )
    frames = folder_frames(video) if video.is_dir() else _of_video(video, sheet, options, reporter)
    sheet.add_frames(frames)
    suggestions = None if model is None else Suggestions(model, frames, sheet)
    if suggestions is not None and not suggestions.useful:
        reporter.note(f"No suggestions: the model knows none of {', '.join(sheet.characters)}.")
        suggestions = None
    return Job(video.name, frames, sheet, suggestions)


def _of_video(video: Path, sheet: Sheet, options: JobOptions, reporter: Reporter) -> Frames:
    listed = sheet.times_ms
    if options.interval_ms is None and listed:
        return video_frames(video, _common_interval(listed), listed, reporter)
    return video_frames(video, max(options.interval_ms or EVERY_SECOND_MS, CLOSEST_MS), (), reporter)


def _common_interval(times_ms: Sequence[int]) -> int:
    """The sampling interval that meets every listed frame."""
    interval = gcd(EVERY_SECOND_MS, *times_ms)
    if interval < CLOSEST_MS:
        raise LabelError(f"The listed frames need a sample every {interval} ms; the closest is {CLOSEST_MS} ms.")
    return interval
