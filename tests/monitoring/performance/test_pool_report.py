"""A web process opens its pool when it starts, says so, and doesn't need the database for starting."""

from __future__ import annotations

import logging
import re
import threading

import pytest
from django.db import DatabaseError, connection
from pytest_django import Settings

from monitoring.performance import pool_report
from monitoring.performance.pool_report import report_pool_soon
from monitoring.tuning.connection_budget import ConnectionBudget
from ragsite.postgres import base
from ragsite.postgres.base import open_pools
from ragsite.postgres.waiting import WaitLog


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith(("monitoring", "ragsite"))]


@pytest.mark.django_db(transaction=True)
def test_the_pool_is_opened_and_its_connection_given_back(caplog: pytest.LogCaptureFixture) -> None:
    connection.close()
    with caplog.at_level(logging.INFO):
        report_pool_soon().join(timeout=30)
    assert messages(caplog) == ["database pool: 5 connections ready, 0 in use"]
    stats = open_pools()[connection.alias].get_stats()
    assert stats["pool_size"] == stats["pool_available"]


@pytest.mark.django_db(transaction=True)
def test_too_few_connections_are_said_at_the_start(caplog: pytest.LogCaptureFixture, settings: Settings) -> None:
    settings.WEB_WORKERS = 1000
    report_pool_soon().join(timeout=30)
    assert any("1000 web processes" in message for message in messages(caplog))


@pytest.mark.django_db(transaction=True)
def test_without_postgres_the_process_starts(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        connection.ensure_connection()
        raise DatabaseError("no such host: secret-host")

    monkeypatch.setattr(pool_report, "connection_budget", refuse)
    thread = report_pool_soon()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert "no connection yet (DatabaseError)" in messages(caplog)[0]
    assert "secret-host" not in caplog.text
    connection.close()
    stats = open_pools()[connection.alias].get_stats()
    assert stats["pool_size"] == stats["pool_available"]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_waits_for_a_connection_is_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "wait_log", WaitLog())
    connection.ensure_connection()
    connection.close()
    pool = open_pools()[connection.alias]
    held = [pool.getconn() for _ in range(pool.max_size)]
    later = threading.Timer(0.3, lambda: list(map(pool.putconn, held)))
    later.start()
    connection.ensure_connection()
    later.join()
    assert re.match(r"waiting for connection: (0\.[2-9]|[1-9])", messages(caplog)[0])


@pytest.mark.parametrize(
    ("pool_size", "allowed", "sentence", "largest"),
    [
        (
            60,
            97,
            "2 web processes x 60 database connections + 1 ingestion workers x (60 + 4) + 5 for commands = 189",
            29,
        ),
        (5, 10, "= 24, but Postgres allows 10", 0),
    ],
)
def test_the_arithmetic_of_connections_is_told_with_a_size_that_would_do(
    pool_size: int, allowed: int, sentence: str, largest: int
) -> None:
    budget = ConnectionBudget(web_processes=2, ingestion_workers=1, pool_size=pool_size, allowed=allowed)
    assert not budget.is_met
    assert sentence in budget.words()
    assert budget.largest_pool_size == largest
    assert (f"to {largest} or less" if largest else "Lower WEB_WORKERS or INGEST_WORKERS") in budget.advice()
    if largest:
        assert ConnectionBudget(web_processes=2, ingestion_workers=1, pool_size=largest, allowed=allowed).is_met
        assert not ConnectionBudget(web_processes=2, ingestion_workers=1, pool_size=largest + 1, allowed=allowed).is_met


def test_waits_are_told_once_a_second_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    log = WaitLog()
    log.note(0.001, refused=False)
    assert messages(caplog) == []
    log.note(0.5, refused=False)
    for _ in range(3):
        log.note(2.0, refused=True)
    assert messages(caplog) == ["waiting for connection: 0.50 s; 0 more since the last such line"]
    log._told_at -= 2.0
    log.note(2.0, refused=True)
    assert messages(caplog)[1] == "waiting for connection: 2.00 s in vain; 3 more since the last such line"
