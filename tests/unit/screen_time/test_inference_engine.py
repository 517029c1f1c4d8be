"""One engine for every model of a process."""

import subprocess
import sys
from pathlib import Path

from screen_time.inference_engine import inference_engine
from tests.models import write_colour_model

MODELS_COME_AND_GO = """
import sys, time
from pathlib import Path
from screen_time.classifier import Classifier
from screen_time.errors import TimeLimitError
from screen_time.time_limit import time_limit
first = Classifier.load(Path(sys.argv[1]))
second = Classifier.load(Path(sys.argv[1]))
del first
del second
try:
    with time_limit(0.2):
        time.sleep(30)
except TimeLimitError:
    print("in time")
"""


def test_every_model_gets_the_same_engine() -> None:
    """Its plugins are loaded once."""
    assert inference_engine() is inference_engine()


def test_a_time_limit_interrupts_work_after_models_have_come_and_gone(tmp_path: Path) -> None:
    """After a promotion the version before is let go; the signal of a time limit must still find a stack."""
    write_colour_model(tmp_path)
    command = [sys.executable, "-c", MODELS_COME_AND_GO, str(tmp_path)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "in time\n")
