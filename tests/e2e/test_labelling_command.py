"""`screen-time label` as a person starts and ends it."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from demo.episodes import write_episode
from tests.e2e.test_command_line import SCREEN_TIME, environment

HEEDING_CTRL_C = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Runs a command as a terminal does: what is started in the background, as tests may be, ignores Ctrl-C for good."""


@pytest.mark.timeout(60)
def test_the_command_serves_its_link_until_it_is_interrupted(tmp_path: Path) -> None:
    """In a folder without any registry, which it does not create; Ctrl-C is no error."""
    video = write_episode(tmp_path, 1, seconds=6).video
    command = [str(SCREEN_TIME), "label", str(video), "--labels", "own.csv", "--classes", "nobody,fox", "--no-browser"]
    with subprocess.Popen(
        [*HEEDING_CTRL_C, *command],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            link = re.fullmatch(r"Label at (http://127\.0\.0\.1:\d+/\?token=\S+)\n", process.stdout.readline())
            assert link is not None
            with build_opener(HTTPCookieProcessor()).open(link[1], timeout=20) as page:
                assert b"Who is on screen" in page.read()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert not (tmp_path / "mlflow.db").exists()
