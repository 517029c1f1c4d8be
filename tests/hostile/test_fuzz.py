"""Some seconds of spoiled videos at every run of the tests, and all that was ever found by more of them."""

import random
from pathlib import Path

import pytest

from tests.hostile.bounded import RESIDENT_BYTES, observe
from tests.hostile.files.clips import clip
from tests.hostile.fuzz import CORPUS, fuzz, good_files
from tests.hostile.mutations import mutated

SECONDS = 15
SEED = 20


def test_spoiled_videos_end_in_a_result_or_an_error_within_their_bounds(tmp_path: Path) -> None:
    """No crash, no hang, no growth, nothing opened and nothing written; minutes of it are run by hand."""
    report = fuzz(SECONDS, SEED, keep=tmp_path)
    assert report.findings == {}
    assert report.fates["measured"] > 0 < report.fates["not_a_video"]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.bin")), ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path: Path) -> None:
    """The corpus holds the spoiled videos that once had an accident."""
    found = observe(path)
    assert (found.accident, found.audited, found.written) == (None, [], "")
    assert found.resident_bytes < RESIDENT_BYTES


def test_the_same_seed_spoils_the_same_way() -> None:
    """A finding can be repeated."""
    data = clip(30)
    assert mutated(data, random.Random(7)) == mutated(data, random.Random(7)) != mutated(data, random.Random(8))


def test_the_good_files_are_good(tmp_path: Path) -> None:
    """Spoiling what cannot be read anyway would find nothing."""
    for number, data in enumerate(good_files()):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        found = observe(path)
        assert found.code is None, found.message
        assert found.milliseconds == 1200
