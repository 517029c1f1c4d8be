"""Every hostile file through the sampler: its fate, and that it reached nothing and took no more than it may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from screen_time.decoder import ChildDecoder
from screen_time.decoder_bounds import DecoderBounds
from screen_time.errors import ErrorCode
from tests.hostile.bounded import RESIDENT_BYTES, SECONDS, Observation, observe, observe_child
from tests.hostile.files.bombs import index_of_sound
from tests.hostile.files.case import Case, Fate, Measured, Refused, RefusedOrCut
from tests.hostile.files.catalogue import CASES
from tests.hostile.witness import CANARY, Witness


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    """One for all files, so that none is missed that acts late."""
    with Witness(tmp_path_factory.mktemp("witness")) as witness:
        yield witness


@pytest.fixture
def decoder() -> Iterator[ChildDecoder]:
    """As the function's, but that it does not wait as long for a child that hangs."""
    decoder = ChildDecoder(DecoderBounds(cpu_seconds=SECONDS, stall_seconds=SECONDS))
    yield decoder
    decoder.close()


def test_there_are_as_many_files_as_names() -> None:
    """At least sixty, all different."""
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_file_meets_its_fate_and_touches_nothing_else(case: Case, tmp_path: Path, witness: Witness) -> None:
    """A code or a measurement; no connection, no other file, no memory or time beyond its bound."""
    path = tmp_path / "video.mp4"
    path.write_bytes(case.make(witness.bait))
    found = observe(path)
    assert found.accident is None
    assert witness.seen() == []
    assert found.audited == []
    assert found.written == ""
    assert CANARY[:20] not in f"{found.message} {found.described}"
    assert found.resident_bytes < RESIDENT_BYTES
    assert found.seconds < SECONDS
    check(found, case.fate)


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.name)
def test_the_decoder_s_process_comes_to_the_same_fate(
    case: Case, tmp_path: Path, witness: Witness, decoder: ChildDecoder
) -> None:
    """One file in six, as the function measures it; the process dies of none of them."""
    path = tmp_path / "video.mp4"
    path.write_bytes(case.make(witness.bait))
    found = observe_child(path, decoder)
    assert witness.seen() == []
    check(found, case.fate)


def test_an_index_that_no_claim_gives_away_ends_with_a_code(tmp_path: Path, decoder: ChildDecoder) -> None:
    """A track of sound may claim as much; what FFmpeg makes of it is bounded by the system."""
    path = tmp_path / "video.mp4"
    path.write_bytes(index_of_sound(150_000_000))
    found = observe_child(path, decoder)
    assert found.code in (ErrorCode.DECODER_FAILED, ErrorCode.NOT_A_VIDEO, ErrorCode.NO_VIDEO_STREAM)
    assert found.seconds < SECONDS


def check(found: Observation, fate: Fate) -> None:
    """Fail where the file did not end as it must."""
    match fate:
        case Refused(codes):
            assert found.code in codes
        case RefusedOrCut():
            assert found.code is not None or found.truncated or found.corrupt
        case Measured(milliseconds, numbers, truncated, corrupt, size):
            assert found.code is None, found.message
            assert milliseconds in (None, found.milliseconds)
            assert numbers in (None, tuple(found.numbers))
            assert truncated in (None, found.truncated)
            assert corrupt in (None, found.corrupt > 0)
            assert size in (None, found.size)
