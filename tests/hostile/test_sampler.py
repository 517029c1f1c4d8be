"""Every hostile file through the sampler: its fate, and that it reached nothing and took no more than it may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.bounded import RESIDENT_BYTES, SECONDS, Observation, observe
from tests.hostile.files.case import Case, Fate, Measured, Refused, RefusedOrCut
from tests.hostile.files.catalogue import CASES
from tests.hostile.witness import CANARY, Witness


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    """One for all files, so that none is missed that acts late."""
    with Witness(tmp_path_factory.mktemp("witness")) as witness:
        yield witness


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
