"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def files_go_to_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    """No test touches the uploads of a running server."""
    settings.MEDIA_ROOT = tmp_path / "media"
