"""Ours, as the function measures a local video, in a process of its own, from its start to the written documents.

`python -m benchmarks.ours VIDEO MODEL` prints the seconds of each stage and the number of samples as JSON. Decoding and
inference overlap: their seconds are given as they were counted, `measure` is what passed by the clock.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.stopwatch import Stopwatch


def main() -> None:
    """Measure the video that the command line names, with the model in the directory that it names."""
    watch = Stopwatch()
    from screen_time.decoder import ChildDecoder

    decoder = ChildDecoder()
    decoder.prestart()
    from screen_time.classifier import Classifier
    from screen_time.documents import ModelIdentity, Request, VideoSource, frames_csv, result_document, to_json
    from screen_time.measurement import measure

    watch.lap("import")
    classifier = Classifier.load(Path(sys.argv[2]))
    watch.lap("model load")
    video = Path(sys.argv[1])
    found = measure(video, classifier, decoder=decoder)
    watch.lap("measure")
    source = VideoSource(None, video.name, None, None, video.stat().st_size)
    model = ModelIdentity("benchmark", "1", None, None, "0" * 64)
    document = result_document(source, model, classifier.manifest, found, Request(None, watch.stages))
    watch.lap("summary")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "frames.csv").write_bytes(frames_csv(found, classifier.manifest))
        (Path(directory) / "screen-time.json").write_bytes(to_json(document))
    watch.lap("write")
    overlapping = {"decode": found.timings.decode, "resize": found.timings.prepare, "inference": found.timings.classify}
    print(
        json.dumps(
            {
                "stages": watch.stages,
                "overlapping": overlapping,
                "samples": len(found.start_ms),
                "reused": found.counters.samples_reused,
                "frames_decoded": found.counters.frames_decoded,
            }
        )
    )


if __name__ == "__main__":
    main()
