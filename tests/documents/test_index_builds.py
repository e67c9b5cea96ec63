"""The building of an index, seen from outside: told, logged, stopped and waited for."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from pytest_django import Settings

from documents import index_builds
from documents.index_builds import Build, BuildStopped, building
from documents.space_status import status_of
from documents.spaces import ensure_index, has_index, index_name
from tests.documents.clusters import make_clusters

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_building_of_an_index_is_seen_and_logged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    corpus, space = make_clusters(3000)
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    monkeypatch.setattr(index_builds, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(index_builds, "LOG_EVERY_SECONDS", 0.0)
    seen: list[Build] = []
    ensure_index(space, on_build=lambda build: seen.append(build) or True)  # type: ignore[func-returns-value]
    assert has_index(space)
    assert any("loading tuples" in build.phase for build in seen)
    assert all(0 <= build.share <= 1 for build in seen)
    assert "loading tuples" in caplog.text
    assert building(index_name(space)) is None
    assert status_of(corpus)[0]["index"]["state"] == "valid"
    assert status_of(corpus)[0]["index"]["bytes"] > 0


def test_a_build_can_be_stopped_and_is_begun_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    corpus, space = make_clusters(3000)
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    monkeypatch.setattr(index_builds, "LOOK_EVERY_SECONDS", 0.01)
    with pytest.raises(BuildStopped):
        ensure_index(space, on_build=lambda build: False)
    assert not has_index(space)
    assert status_of(corpus)[0]["index"]["state"] == "missing"
    ensure_index(space)
    assert has_index(space)


def test_a_build_of_somebody_else_is_waited_for(settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    _, space = make_clusters(3000)
    settings.EXACT_SCAN_MAX_CHUNKS = 100

    def build() -> None:
        try:
            ensure_index(space)
        finally:
            connection.close()

    other = threading.Thread(target=build)
    other.start()
    while building(index_name(space)) is None and other.is_alive():
        time.sleep(0.005)
    ensure_index(space)
    assert has_index(space)
    other.join()
    assert has_index(space)
