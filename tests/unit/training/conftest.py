"""What tests of training by itself have in common."""

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from another test."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path))
