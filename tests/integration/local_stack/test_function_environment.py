"""The function environment is built from the locked requirements, once, whole, and by one process at a time."""

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.errors import LocalStackError
from infra.local.function_environment import DIRECTORY, REQUIREMENTS, ensure

MakeProject = Callable[[str], Path]


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A project whose function needs nothing but the runtime interface client."""
    (tmp_path / "requirements").mkdir()
    function, runtime = (tmp_path / name for name in REQUIREMENTS)
    function.write_text("")
    shutil.copy(root / REQUIREMENTS[1], runtime)
    return tmp_path


def modules(python: Path) -> str:
    """What can be imported in an environment, of two that matter."""
    code = "import importlib.util as i; print(*[n for n in ('awslambdaric', 'pip') if i.find_spec(n)])"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_environment_is_built_once_by_one_of_two(project: Path) -> None:
    """Two builders at once end with one environment, which a third finds ready; it has no pip."""
    said: list[str] = []
    with ThreadPoolExecutor(2) as builders:
        first, second = builders.map(lambda _: ensure(project, said.append), range(2))
    assert first == second == ensure(project, said.append)
    assert len(said) == 2
    assert said[0].startswith("installing")
    assert modules(first) == "awslambdaric"


def test_changed_requirements_replace_the_environment(project: Path) -> None:
    """Another lock gives another environment, and the old one goes."""
    before = ensure(project)
    (project / REQUIREMENTS[0]).write_text("# changed\n")
    after = ensure(project)
    assert after != before
    assert after.exists()
    assert not before.exists()


def test_wrong_hash_is_refused_and_nothing_is_left_as_whole(project: Path) -> None:
    """A package that differs from its lock is not installed, in this attempt or the next."""
    runtime = project / REQUIREMENTS[1]
    runtime.write_text("awslambdaric==4.2.2 --hash=sha256:" + "0" * 64 + "\n")
    for _ in range(2):
        with pytest.raises(LocalStackError, match="cannot be installed"):
            ensure(project)
    assert not list((project / DIRECTORY).glob("*/.complete"))
