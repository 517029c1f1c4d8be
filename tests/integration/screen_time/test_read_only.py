"""The image runs as a user without rights on a read-only file system: only the temporary folder is its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from demo.clips import ClipSpec, at_rate, write_clip
from demo.numbered import numbered_frame
from tests.models import write_colour_model

MEASURE = """
import json, os, sys
written = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        flags = arguments[2] or 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND):
            written.append(os.fsdecode(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "shutil.rmtree"):
        written.append(f"{event} {arguments[0]}")
sys.addaudithook(hook)
import screen_time.champion, screen_time.ingest, screen_time.publishing
from pathlib import Path
from screen_time.classifier import Classifier
from screen_time.measurement import measure
samples = measure(Path(sys.argv[2]), Classifier.load(Path(sys.argv[1]))).start_ms
print(json.dumps({"samples": len(samples), "written": written}))
"""
ROOT = Path(__file__).parents[3]


def test_measuring_writes_nowhere_but_into_the_temporary_folder(tmp_path: Path) -> None:
    """With no home and an unwritable working directory; Python's audit sees each file that is opened to be written."""
    write_colour_model(tmp_path / "model")
    video = write_clip(tmp_path / "v.mp4", ClipSpec(), at_rate(ClipSpec().frame_rate, map(numbered_frame, range(50))))
    (tmp_path / "own").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "functions"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "TMPDIR": str(tmp_path / "own"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "test",
    }
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "model"), str(video)]
    done = subprocess.run(
        command, env=environment, cwd="/proc", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["samples"] == 2
    assert [path for path in found["written"] if not path.startswith((str(tmp_path / "own"), "/dev/null"))] == []
