"""What it costs to share one video: processor time and bytes of its segments, against those of one piece.

    python -m benchmarks.segments VIDEO MODEL_DIRECTORY [SEGMENTS]

MODEL_DIRECTORY holds a served form (`openvino/` of a registered version). Processor time is of this process and of the
decoders' processes, model loading aside, so it may be measured on a busy machine; seconds of wall time may not.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from screen_time.classifier import Classifier
from screen_time.measurement import Measurement, measure, outline
from screen_time.merging import merged
from screen_time.planning import cut, work_seconds
from screen_time.samples import WHOLE_VIDEO, Part

INTERVAL_MS = 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one measurement."""

    samples: int
    processor: float
    wall: float


def measured(video: Path, classifier: Classifier, part: Part = WHOLE_VIDEO) -> tuple[Measurement, Cost]:
    """Measure a part of a video, and what that takes."""
    processor, wall = _processor_seconds(), time.perf_counter()
    found = measure(video, classifier, INTERVAL_MS, part=part)
    cost = Cost(len(found.start_ms), _processor_seconds() - processor, time.perf_counter() - wall)
    return found, cost


def main(video: Path, model: Path, segments: int) -> None:
    """Measure the video in one piece and in segments, compare the results, and print what each took as JSON."""
    classifier = Classifier.load(model)
    found = outline(video)
    whole, cost = measured(video, classifier)
    parts = [measured(video, classifier, part) for part in cut(found, INTERVAL_MS, segments)]
    joined = merged([part for part, _ in parts], classifier.manifest)
    shared = sum(each.processor for _, each in parts)
    report = {
        "seconds_of_video": found.declared_ms / 1000,
        "estimated_processor_seconds": work_seconds(found, classifier.input, INTERVAL_MS),
        "in_one_piece": asdict(cost),
        "segments": [asdict(each) for _, each in parts],
        "processor_seconds_of_segments": shared,
        "ratio": shared / cost.processor,
        "seconds_a_segment_costs_more": (shared - cost.processor) / len(parts),
        "same_times": (joined.start_ms, joined.durations_ms) == (whole.start_ms, whole.durations_ms),
        "largest_difference": float(np.abs(joined.probabilities - whole.probabilities).max()),
    }
    print(json.dumps(report, indent=2))


def _processor_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 4)
