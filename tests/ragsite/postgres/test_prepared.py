"""Statements that come with every question are planned once per connection; all others are sent as they are."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, connection
from pytest_django import Settings

from documents.models import Corpus
from querying.answering.pipeline import answer_question
from ragsite.postgres import prepared
from ragsite.postgres.compiled_queries import rows_of, with_literal
from ragsite.postgres.options import pooled
from ragsite.postgres.prepared import HOT_KEPT, HOT_USES, SEEN_KEPT, Hot
from tests.querying.asking import ask
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_is_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "hot", Hot())
    connection.close_pool()  # type: ignore[attr-defined] # stubs: with what its connections have prepared


def kept() -> set[str]:
    """Return the statements that this connection keeps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {statement for (statement,) in cursor.fetchall()}


def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return rows_of((statement, values))


def test_a_statement_that_comes_often_is_prepared_and_gives_the_same() -> None:
    statement = "SELECT %s::int + 1"
    for number in range(HOT_USES - 1):
        assert run(statement, number) == [(number + 1,)]
    assert not kept()
    for number in (7, 70_000, 8):
        assert run(statement, number) == [(number + 1,)]
    assert "SELECT $1::int + 1" in kept()


def test_only_the_cursors_that_ask_for_it_prepare() -> None:
    for _ in range(2 * HOT_USES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [1])
        Corpus.objects.filter(slug="a").first()
    assert not kept()


def test_no_connection_holds_the_values_of_what_it_was_asked() -> None:
    connection.ensure_connection()
    tracemalloc.start()
    try:
        for number in range(50):
            value = f"{number:0100000}"
            with connection.cursor() as cursor:
                cursor.execute("SELECT length(%s)", [value])
            assert run("SELECT length(%s) + 1", value) == [(100_001,)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000
    assert kept() >= {"SELECT length($1) + 1"}  # which nothing else has prepared meanwhile
    assert not kept() & {"SELECT length($1)"}


def test_nothing_is_prepared_behind_one_that_failed() -> None:
    for _ in range(2 * HOT_USES):
        with pytest.raises(DataError):
            run("SELECT 1 / %s::int", 0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [1])
    assert connection.connection.prepare_threshold is None


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def options(*, prepares: bool) -> dict[str, Any]:
        found = pooled({}, max_size=1, wait_seconds=1, statement_timeout_ms=0, prepares=prepares)
        return dict(found["OPTIONS"])

    assert connection.settings_dict["OPTIONS"]["prepare_threshold"] == options(prepares=True)["prepare_threshold"]
    assert options(prepares=False)["prepare_threshold"] is None
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepares", False)
    for _ in range(2 * HOT_USES):
        assert run("SELECT %s::int", 1) == [(1,)]
    assert not kept()


def test_values_come_as_they_do_from_any_cursor() -> None:
    moment, key = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), uuid4()
    statement = "SELECT %s::timestamptz, %s::uuid, %s::jsonb, %s::bigint[], %s::text"
    values = (moment, key, '{"a": 1}', [1, 2**40], "Grüße %s")
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        expected = cursor.fetchall()
    for _ in range(2 * HOT_USES):
        assert run(statement, *values) == expected == [(moment, key, '{"a": 1}', [1, 2**40], "Grüße %s")]
    assert expected[0][0].tzinfo is not None


def test_all_that_every_question_asks_is_prepared() -> None:
    corpus = make_library(slug="handbook")
    for number in range(HOT_USES):
        answer_question(ask(corpus, f"How long is the notice period number {number}?"))
    told = " ".join(prepared.hot._hot)
    for part in ("documents_termfrequency", "terms && %s", "text, lexeme_count", "answerclaim", "FROM querying_cached"):
        assert part in told
    assert f'"corpus_id" - {corpus.pk})' in told  # the plan is for this corpus, and not for corpora in general
    assert '"corpus_id" - %s)' not in told


def test_the_literal_takes_the_place_of_its_values_only() -> None:
    statement = ("a = %s AND b LIKE '%%s%%' AND c = %s AND d = %s AND e = %s AND f = %s", (7, "7", 7, True, 8))
    assert with_literal(statement, 7) == (
        "a = 7 AND b LIKE '%%s%%' AND c = %s AND d = 7 AND e = %s AND f = %s",
        ("7", True, 8),
    )
    assert with_literal(("a = %s", (True,)), 1) == ("a = %s", (True,))


def test_only_the_hottest_are_kept() -> None:
    hot = Hot()
    for number in range(HOT_KEPT + 1):
        assert [hot.is_hot(f"S{number}") for _ in range(HOT_USES)] == [False] * (HOT_USES - 1) + [True]
    assert not hot.is_hot("S0")  # the one that was used least lately has made room
    assert hot.is_hot("S1")


def test_what_comes_now_and_then_never_gets_hot() -> None:
    hot = Hot()
    for _ in range(2 * HOT_USES):
        assert not any(hot.is_hot(f"S{number}") for number in range(SEEN_KEPT + 1))


def test_whoever_looks_at_the_queries_sees_prepared_ones_too(settings: Settings) -> None:
    settings.DEBUG = True
    connection.queries_log.clear()
    for _ in range(HOT_USES + 1):
        run("SELECT %s::int", 1)
    assert [query["sql"] for query in connection.queries][-1] == "SELECT %s::int"
