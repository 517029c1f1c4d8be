"""Spoils good videos at random and measures what comes out, within the bounds that every video has.

    python -m tests.hostile.fuzz --seconds 600 --seed 1

Whatever is not a result or an error with a code is kept in tests/hostile/corpus/, and so is tried by the tests from
then on. The same seed spoils the same files in the same way.
"""

import argparse
import contextlib
import hashlib
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from demo.clips import ClipSpec, Codec
from screen_time.decoder import ChildDecoder
from screen_time.decoder_bounds import DecoderBounds
from screen_time.errors import ErrorCode
from tests.hostile.bounded import RESIDENT_BYTES, SECONDS, Observation, observe, observe_child
from tests.hostile.files.clips import clip, encoded, pictures
from tests.hostile.mutations import mutated
from tests.hostile.witness import Witness

CORPUS = Path(__file__).parent / "corpus"
"""What was found, named by its content; empty is good."""

FRAMES = 30

CHILD_EVERY = 10
"""One file in so many goes to the decoder's own process, which takes ten times as long to start as a fork of ours."""


@dataclass(slots=True)
class Report:
    """What became of `files`; `findings` maps where each accident is kept to what it was."""

    files: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    findings: dict[Path, str] = field(default_factory=dict)
    most_bytes: int = 0
    most_seconds: float = 0.0


def good_files() -> list[bytes]:
    """Small videos of many containers and codecs, with what makes their indexes interesting."""
    b_frames = ClipSpec(b_frames=2, gop=10, start=ClipSpec().frame_rate / 5)
    made = [
        clip(FRAMES, ".mp4", b_frames),
        clip(FRAMES, ".mp4", ClipSpec(faststart=True, rotation=90, gop=10)),
        clip(FRAMES, ".mov", ClipSpec(audio=True, gop=10)),
        clip(FRAMES, ".mkv", b_frames),
        clip(FRAMES, ".ts", ClipSpec(gop=10)),
        clip(FRAMES, ".mp4", ClipSpec(codec=Codec.HEVC, gop=10)),
        clip(FRAMES, ".webm", ClipSpec(codec=Codec.VP9, audio=True)),
        clip(FRAMES, ".mkv", ClipSpec(codec=Codec.AV1)),
        clip(FRAMES, ".avi", ClipSpec(codec=Codec.MPEG4, gop=10)),
    ]
    others = partial(encoded, images=list(pictures(FRAMES)))
    return [
        *made,
        others("mjpeg", "avi", pixel_format="yuvj420p"),
        others("mpeg2video", "mpegts"),
        others("mpeg1video", "mpeg"),
        others("gif", "gif", pixel_format="rgb8"),
        others("flv", "flv"),
        others("wmv2", "asf"),
        others("prores_ks", "mov", pixel_format="yuv422p10le"),
        others("ffv1", "matroska"),
        others("mpeg2video", "mxf"),
    ]


def fuzz(seconds: float, seed: int, keep: Path = CORPUS) -> Report:
    """Spoil and measure until `seconds` have passed; what goes wrong is written into `keep`."""
    report, end = Report(), time.monotonic() + seconds
    decoder = ChildDecoder(DecoderBounds(cpu_seconds=SECONDS, stall_seconds=SECONDS))
    with (
        contextlib.closing(decoder),
        tempfile.TemporaryDirectory() as name,
        Witness(Path(name)) as witness,
    ):
        path = Path(name) / "video.mp4"
        for number, data in enumerate(_spoiled_files(seed)):
            if time.monotonic() >= end:
                return report
            path.write_bytes(data)
            found = observe_child(path, decoder) if number % CHILD_EVERY == 0 else observe(path)
            report.files += 1
            report.fates[str(found.code or "measured")] += 1
            report.most_bytes = max(report.most_bytes, found.resident_bytes)
            report.most_seconds = max(report.most_seconds, found.seconds)
            if (accident := _accident(found, witness)) is not None:
                report.findings[_keep(data, keep)] = accident
    return report


def _spoiled_files(seed: int) -> Iterator[bytes]:
    chance, files = random.Random(seed), good_files()
    while True:
        yield mutated(chance.choice(files), chance)


def _accident(found: Observation, witness: Witness) -> str | None:
    if found.accident is not None:
        return found.accident
    if found.code is ErrorCode.DECODER_FAILED and "memory" not in found.message:
        return found.message  # it crashed or hung; memory that was refused is the bound at work
    if found.resident_bytes > RESIDENT_BYTES:
        return f"it took {found.resident_bytes} bytes of memory"
    return ", ".join([*witness.seen(), *found.audited, found.written]).strip(", ") or None


def _keep(data: bytes, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path


def main() -> int:
    """Run from the command line; the exit status is 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    arguments = parser.parse_args()
    report = fuzz(arguments.seconds, arguments.seed)
    print(f"seed {arguments.seed}: {report.files} files, {dict(report.fates.most_common())}")  # noqa: T201
    print(f"at most {report.most_bytes >> 20} MiB and {report.most_seconds:.1f} s for one")  # noqa: T201
    for path, accident in report.findings.items():
        print(f"{path}: {accident}")  # noqa: T201
    return 1 if report.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
