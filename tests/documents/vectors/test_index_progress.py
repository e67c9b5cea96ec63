"""The building of an index is reported, logged, stopped and waited for."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from pytest_django import Settings

from documents.models import Corpus
from documents.reindexing.status import status_of
from documents.storage.deletion import delete_corpus
from documents.vectors import index_progress
from documents.vectors.index_maintenance import owning_indexes
from documents.vectors.index_progress import Build, BuildStopped, building
from documents.vectors.spaces import ensure_index, has_index, sweep_indexes
from tests.documents.search.clusters import make_clusters

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_building_of_an_index_is_seen_and_logged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    corpus, space = make_clusters(3000)
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    monkeypatch.setattr(index_progress, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(index_progress, "LOG_EVERY_SECONDS", 0.0)
    seen: list[Build] = []
    ensure_index(space, on_build=lambda build: seen.append(build) or True)  # type: ignore[func-returns-value]
    assert has_index(space)
    assert any("loading tuples" in build.phase for build in seen)
    assert all(0 <= build.share <= 1 for build in seen)
    assert "loading tuples" in caplog.text
    assert building(space.index_name) is None
    assert status_of(corpus)[0]["index"]["state"] == "valid"
    assert status_of(corpus)[0]["index"]["bytes"] > 0


def test_a_build_can_be_stopped_and_is_begun_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    corpus, space = make_clusters(3000)
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    monkeypatch.setattr(index_progress, "LOOK_EVERY_SECONDS", 0.01)
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
    while building(space.index_name) is None and other.is_alive():
        time.sleep(0.005)
    ensure_index(space)
    assert has_index(space)
    other.join()
    assert has_index(space)


def test_a_corpus_is_deleted_while_its_index_is_built_and_nothing_of_it_is_left(settings: Settings) -> None:
    """Both statements would wait for each other; Postgres ended one of them, and the index stayed for good."""
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    corpus, space = make_clusters(3000)
    name = space.index_name
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    failed: list[Exception] = []

    def build() -> None:
        try:
            ensure_index(space)
        except Exception as exc:
            failed.append(exc)
        finally:
            connection.close()

    other = threading.Thread(target=build)
    other.start()
    while building(name) is None and other.is_alive():
        time.sleep(0.005)
    delete_corpus(corpus)
    other.join(60)
    assert not other.is_alive()
    assert failed == []
    assert not Corpus.objects.exists()
    sweep_indexes()
    assert vector_indexes() == []


def test_two_owners_of_index_work_take_turns(settings: Settings) -> None:
    order: list[str] = []

    def second() -> None:
        try:
            with owning_indexes(wait=False) as owned:
                order.append(f"at once: {owned}")
            with owning_indexes() as owned:
                order.append(f"later: {owned}")
        finally:
            connection.close()

    with owning_indexes() as owned:
        assert owned
        other = threading.Thread(target=second)
        other.start()
        while not order:
            time.sleep(0.01)
        order.append("done")
    other.join(30)
    assert order == ["at once: False", "done", "later: True"]


def test_upkeep_sweeps_indexes_without_a_space_and_no_others(settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    sweep_indexes()  # those of other tests' spaces
    _, space = make_clusters(300)
    kept, lost = space.index_name, "embedding_hnsw_987654"
    ensure_index(space)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {lost} ON documents_embedding USING hnsw ((vector::halfvec(256)) halfvec_cosine_ops)"
            " WHERE space_id = 987654"
        )
    assert vector_indexes() == sorted([kept, lost])
    assert sweep_indexes() == [lost]
    assert vector_indexes() == [kept]


def vector_indexes() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'i' AND relname LIKE 'embedding_hnsw%' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]
