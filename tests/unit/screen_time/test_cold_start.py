"""What a cold start does not load."""

import subprocess
import sys

HEAVY = ("av", "cv2", "jsonschema", "keras", "mlflow", "opentimelineio", "openvino", "pandas", "scipy", "tensorflow")
"""What belongs to the decoder's process, is loaded while that starts, or has no business in the function."""


def test_importing_the_handler_loads_nothing_that_the_path_does_not_need_yet() -> None:
    """Counted in modules, which do not depend on how busy the machine is."""
    code = f"""
import gc, sys
from screen_time import handler
handler.decoder.close()
assert gc.isenabled()
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    names = "RESULTS_BUCKET MODELS_BUCKET IDEMPOTENCY_TABLE QUEUE_URL".split()
    environment = dict.fromkeys(names, "x") | {
        "REGISTRY_URI": "http://localhost",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == []
