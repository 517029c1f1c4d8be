"""`screen-time convert`: from a result on disk to files beside it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.converting import NoResultError
from cli.main import app
from screen_time.documents import to_json
from tests.results import measured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 2
    (tmp_path / "screen-time.json").write_bytes(to_json(measured(rows).document))
    return tmp_path


def convert(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_a_folder_s_result_is_written_beside_it(folder: Path) -> None:
    """In every format that is asked for; what was written is said."""
    done = convert(folder, "--to", "csv", "--to", "vtt", "--to", "edl", "--to", "otio")
    names = ["segments.csv", "chapters.vtt", "metadata.vtt", "segments.edl", "timeline.otio"]
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [str(folder / name) for name in names]
    assert all((folder / name).stat().st_size for name in names)


def test_one_character_can_be_asked_for(folder: Path, tmp_path: Path) -> None:
    """And another place."""
    place = tmp_path / "new" / "folder"
    done = convert(folder / "screen-time.json", "--to", "csv", "--character", "tom", "--out", place)
    assert done.exit_code == 0, done.output
    assert [line.split(",")[:3] for line in (place / "segments.csv").read_text().splitlines()[1:]] == [
        ["tom", "2.000", "4.000"]
    ]


def test_a_character_that_is_not_there_is_refused(folder: Path) -> None:
    """With the names that are."""
    done = convert(folder, "--to", "csv", "--character", "spike")
    assert done.exit_code == 2
    assert "it has jerry, tom" in " ".join(done.output.replace("│", " ").split())
    assert not (folder / "segments.csv").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"error": {"code": "not_a_video"}}', '{"characters": {}}'])
def test_what_is_no_result_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    """An error.json, another JSON, no JSON."""
    (tmp_path / "other.json").write_text(content)
    done = convert(tmp_path / "other.json", "--to", "edl")
    assert isinstance(done.exception, NoResultError)
    assert str(done.exception).endswith(".")
