"""The call stack of a question stays short enough to read, from the view to the SQL of the keyword search."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
FRAMES_MAX, FILES_MAX = 20, 10


def frames_of_the_product() -> list[tuple[str, str]]:
    """Return file and function of each frame of the product in this thread, the outermost first."""
    frames: list[tuple[str, str]] = []
    frame: FrameType | None = sys._getframe(1)
    root = Path(django_settings.BASE_DIR)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(root):
            where = path.relative_to(root)
            if where.parts[0] in {"ragsite", "documents", "querying", "monitoring"}:
                frames.append((str(where), frame.f_code.co_name))
        frame = frame.f_back
    return frames[::-1]


def test_the_way_to_the_keyword_search_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    make_library(slug="handbook")
    seen: list[list[tuple[str, str]]] = []
    execute = CursorWrapper.execute

    def note(cursor: CursorWrapper, sql: Any, *args: Any) -> Any:
        if "terms && " in str(sql):
            seen.append(frames_of_the_product())
        return execute(cursor, sql, *args)

    monkeypatch.setattr(CursorWrapper, "execute", note)
    reply = APIClient().post("/api/v1/query", {"query": QUESTION, "corpora": ["handbook"]}, format="json")
    assert reply.status_code == 200
    names = [name for _, name in seen[0]]
    way = seen[0][names.index("post") :]
    assert len(way) <= FRAMES_MAX, way
    assert len({file for file, _ in way}) <= FILES_MAX, way
    assert "answer_events" in names
    assert not [name for name in names if name in {"<lambda>", "act"}]
