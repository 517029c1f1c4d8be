"""Labelled videos and folders of frames, read once into the frames that models take and what each of them shows."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec, Semantics
from screen_time.preprocessing import prepare
from screen_time.samples import Frame, Sample
from screen_time.video import Video
from training.errors import LabelError
from training.labels import LabelFile, LabelledTime, LabelScheme, common_scheme, frame_time_ms, interval_ms
from training.labels import read_label_file as read_labels
from training.variation import vary

Frames = NDArray[np.uint8]
"""Prepared frames: n × height × width × 3, RGB."""

Targets = NDArray[np.float32]
"""n × labels, 1 where the frame shows the label and 0 where it does not."""

Prepare = Callable[[Frame, InputSpec], Frame]

WORKERS = 2
"""Frames prepared and varied at once, while the next one is decoded."""

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """A video file, or a folder of frame0.jpg, frame1.jpg …, and the label file that belongs to it."""

    video: Path
    labels: Path


@dataclass(frozen=True, slots=True)
class Source:
    """Where examples came from, with the SHA-256 of both files (of a folder: of its labelled frames)."""

    video: Path
    labels: Path
    video_sha256: str
    labels_sha256: str


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled frame: index of its source, its time and the time it stands for, and the file's `group`."""

    source: int
    time_ms: int
    duration_ms: int
    group: str | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything that is learned from: n examples, their targets, and for each input the n prepared frames.

    `varied` holds, for one of the inputs, further copies of all n frames (training.variation); it may be empty.
    """

    scheme: LabelScheme
    sources: tuple[Source, ...]
    examples: tuple[Example, ...]
    targets: Targets
    frames: Mapping[InputSpec, Frames]
    notes: tuple[str, ...]
    varied: tuple[Frames, ...] = ()

    @property
    def durations_ms(self) -> NDArray[np.int64]:
        """Milliseconds that each example stands for."""
        return np.array([example.duration_ms for example in self.examples], dtype=np.int64)

    def describe(self, index: int) -> str:
        """Which frame example `index` is, for people."""
        example = self.examples[index]
        return f"{self.sources[example.source].video.name} {example.time_ms / 1000:g} s"


@dataclass(frozen=True, slots=True)
class _Pictures:
    """What becomes of one frame: prepared for each input, and varied copies for the first."""

    prepared: tuple[Frame, ...]
    varied: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class _Studio:
    """Makes the pictures of frames; the same frame at the same time of its video becomes the same pictures."""

    specs: Sequence[InputSpec]
    copies: int
    seed: int

    def pictures(self, frame: Frame, time_ms: int) -> _Pictures:
        # Drawn by what the frame is, not by how many came before: its copies stay the same beside other videos.
        generators = (np.random.default_rng((self.seed, copy, time_ms)) for copy in range(self.copies))
        return _Pictures(
            tuple(prepare(frame, spec) for spec in self.specs),
            tuple(vary(frame, self.specs[0], generator) for generator in generators),
        )


def read_dataset(
    pairs: Sequence[LabelledVideo],
    specs: Sequence[InputSpec],
    classes: Sequence[str] = (),
    progress: Callable[[int], None] = lambda _frames: None,
    *,
    copies: int = 0,
    seed: int = 0,
) -> Dataset:
    """Read every labelled, certain frame of `pairs`, prepared for each of `specs`, with varied copies for the first.

    Videos are decoded once, and no more than a few of their full-size frames are held. `progress` is called with the
    number of frames read since the last call. Raises LabelError where labels do not fit, VideoError where a video
    cannot be read.
    """
    files = [read_labels(pair.labels, classes) for pair in pairs]
    scheme = common_scheme(files, classes)
    interval = interval_ms(files)
    studio = _Studio(specs, copies, seed)
    examples: list[Example] = []
    labels: list[frozenset[str]] = []
    pictures: list[_Pictures] = []
    for source, (pair, file) in enumerate(zip(pairs, files, strict=True)):
        samples = labelled_samples(pair.video, file, interval)
        for duration_ms, labelled, made in _pictures(samples, studio):
            examples.append(Example(source, labelled.time_ms, duration_ms, labelled.group))
            labels.append(labelled.labels)
            pictures.append(made)
            progress(1)
    return Dataset(
        scheme,
        tuple(_source(pair, file) for pair, file in zip(pairs, files, strict=True)),
        tuple(examples),
        targets_of(labels, scheme),
        {spec: np.stack([each.prepared[number] for each in pictures]) for number, spec in enumerate(specs)},
        tuple(note for file in files for note in file.notes),
        tuple(np.stack([each.varied[copy] for each in pictures]) for copy in range(copies)),
    )


def _pictures(
    samples: Iterable[tuple[Sample, LabelledTime]], studio: _Studio
) -> Iterator[tuple[int, LabelledTime, _Pictures]]:
    """Each sample's milliseconds, label and pictures, in order; WORKERS are made while the next is decoded."""
    waiting: deque[tuple[int, LabelledTime, Future[_Pictures]]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for sample, labelled in samples:
            future = pool.submit(studio.pictures, sample.image, labelled.time_ms)
            waiting.append((sample.duration_ms, labelled, future))
            if len(waiting) > 2 * WORKERS:
                yield _made(*waiting.popleft())
        while waiting:
            yield _made(*waiting.popleft())


def _made(duration_ms: int, labelled: LabelledTime, future: Future[_Pictures]) -> tuple[int, LabelledTime, _Pictures]:
    return duration_ms, labelled, future.result()


def targets_of(labels: Sequence[frozenset[str]], scheme: LabelScheme) -> Targets:
    """N × labels from each frame's names; raises LabelError where an exclusive frame has not exactly one."""
    targets = np.array([[name in names for name in scheme.labels] for names in labels], dtype=np.float32)
    if scheme.semantics is Semantics.EXCLUSIVE and not np.all(targets.sum(axis=1) == 1):
        raise LabelError(f"Each frame must show exactly one of {', '.join(scheme.labels)}.")
    return targets


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def labelled_samples(video: Path, file: LabelFile, interval: int) -> Iterator[tuple[Sample, LabelledTime]]:
    """The samples that `file` labels and is certain of, in order; raises LabelError where labels are left over."""
    wanted = {labelled.time_ms: labelled for labelled in file.times}
    end_ms = 0
    samples = _folder_samples(video, wanted, interval) if video.is_dir() else _video_samples(video, interval)
    for sample in samples:
        end_ms = sample.start_ms + sample.duration_ms
        labelled = wanted.pop(sample.start_ms, None)
        if labelled is not None and not labelled.uncertain:
            yield sample, labelled
        if not wanted:
            return
    if wanted:
        raise LabelError(
            f"{file.path} labels second {min(wanted) / 1000:g}, but {video} ends after {end_ms / 1000:g} seconds."
        )


def _video_samples(path: Path, interval: int) -> Iterator[Sample]:
    if not path.exists():
        raise LabelError(f"There is no video {path}.")
    with Video.open(path) as video:
        yield from video.samples(interval)


def _folder_samples(folder: Path, wanted: Mapping[int, LabelledTime], interval: int) -> Iterator[Sample]:
    """The labelled frames of a folder; each stands for one interval."""
    files = frame_files(folder)
    for index, time_ms in enumerate(sorted(wanted)):
        if time_ms not in files:
            raise LabelError(f"Second {time_ms / 1000:g} is labelled, but {folder} has no frame of it.")
        yield Sample(index, time_ms, interval, _read_image(files[time_ms]))


def frame_files(folder: Path) -> dict[int, Path]:
    """A folder's frame files by the time, in ms, that their names say."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in FRAME_SUFFIXES]
    return {time_ms: path for path in files if (time_ms := frame_time_ms(path.name)) is not None}


def _read_image(path: Path) -> Frame:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise LabelError(f"{path} cannot be read as an image.")
    return np.asarray(image, dtype=np.uint8)


def _source(pair: LabelledVideo, file: LabelFile) -> Source:
    if not pair.video.is_dir():
        return Source(pair.video, pair.labels, file_sha256(pair.video), file_sha256(pair.labels))
    files = frame_files(pair.video)
    digests = "".join(file_sha256(files[labelled.time_ms]) for labelled in file.times)
    return Source(pair.video, pair.labels, hashlib.sha256(digests.encode()).hexdigest(), file_sha256(pair.labels))
