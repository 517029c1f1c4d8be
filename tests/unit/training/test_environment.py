"""What training sets before heavy libraries start."""

import platform
import subprocess
import sys

import pytest

FREEING_THREAD = """
import resource, threading
from training.environment import keep_freed_memory

def work():
    for _ in range(10):
        b"x" * 40_000_000

def in_a_thread():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

{settings}
in_a_thread()
print(in_a_thread())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep freed memory")
def test_what_a_thread_frees_is_not_cleared_anew_once_freed_memory_is_kept() -> None:
    """Ten times 40 MB, one after the other, are about 100,000 pages where the system gives each anew."""
    assert _faults("") > 50_000
    assert _faults("keep_freed_memory()") < 1_000


def _faults(settings: str) -> int:
    program = FREEING_THREAD.format(settings=settings)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return int(done.stdout)
