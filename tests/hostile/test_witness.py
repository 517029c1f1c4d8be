"""The witness and the bounds would notice: what the files are measured with is itself tried on what they forbid."""

import os
from contextlib import suppress
from pathlib import Path

import av
import pytest

from screen_time.errors import ErrorCode
from tests.hostile import bounded
from tests.hostile.bounded import Observation, observe
from tests.hostile.files.playlists import TEXTS
from tests.hostile.witness import Witness

UNGUARDED = {"extension_picky": "0", "allowed_extensions": "ALL", "allowed_segment_extensions": "ALL"}


@pytest.mark.parametrize(
    ("playlist", "options", "sight"),
    [
        ("hls-http", UNGUARDED | {"protocol_whitelist": "file,http,tcp"}, "a TCP connection"),
        ("hls-file", UNGUARDED | {"protocol_whitelist": "file"}, "the canary was opened"),
        ("ffconcat-file", {"protocol_whitelist": "file", "safe": "0"}, "the canary was opened"),
    ],
)
def test_a_playlist_opened_without_our_guards_is_seen_to_reach_out(
    playlist: str, options: dict[str, str], sight: str, tmp_path: Path
) -> None:
    """FFmpeg itself, which opens things behind Python's back."""
    with Witness(tmp_path) as witness:
        (tmp_path / "playlist.m3u8").write_text(TEXTS[playlist](witness.bait))
        with suppress(av.error.FFmpegError, OSError):
            av.open(str(tmp_path / "playlist.m3u8"), "r", options=options, timeout=2)
        assert sight in witness.seen()


def test_a_file_that_nobody_touched_is_not_reported(tmp_path: Path) -> None:
    """Silence means something."""
    with Witness(tmp_path) as witness:
        (tmp_path / "other.txt").write_text("other")
        assert witness.seen() == []


def greedy(_path: Path, _found: Observation) -> None:
    """Takes more memory than it may."""
    bytearray(bounded.ADDRESS_SPACE_BYTES)


def endless(_path: Path, _found: Observation) -> None:
    """Never ends."""
    while True:
        pass


def crashing(_path: Path, _found: Observation) -> None:
    """Dies without a word, as native code does."""
    os.abort()


def opening(path: Path, _found: Observation) -> None:
    """Opens a file that it was not given."""
    path.with_name("other").write_text("other")


def test_a_process_that_takes_too_much_crashes_or_opens_files_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds hold and accidents are told from outcomes."""
    assert observe(tmp_path, greedy).code is ErrorCode.DECODER_FAILED
    assert "-6" in str(observe(tmp_path, crashing).accident)
    assert observe(tmp_path / "video.mp4", opening).audited
    monkeypatch.setattr(bounded, "SECONDS", 1)
    assert observe(tmp_path, endless).accident is not None
