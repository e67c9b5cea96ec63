"""An operator hears of the fences that a machine can't put up."""

from __future__ import annotations

import pytest

from documents.extraction.process import fences
from monitoring.health.fence_checks import check_fences


def test_a_machine_with_all_fences_gets_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fences, "expected", lambda: list(fences.FENCES))

    assert check_fences(None) == []


def test_a_missing_fence_is_named_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fences, "expected", lambda: [name for name in fences.FENCES if name != "files"])
    [warning] = check_fences(None)

    assert warning.id == "ragsite.W007"
    assert "missing: files (needs Linux 5.13 with Landlock)" in warning.msg
