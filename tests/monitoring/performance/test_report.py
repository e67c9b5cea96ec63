"""The report about speed: who may read it, what is in it, and that it answers when the neighbours don't."""

from __future__ import annotations

import os

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from monitoring.health.start_checks import check_database
from monitoring.performance import report as performance_report
from monitoring.tuning.connection_budget import connection_budget
from querying.answering.pipeline import answer_question
from ragsite.metrics import BREAKER_TRANSITIONS, CONTEXT_TRUNCATED
from tests.factories import make_corpus, make_user
from tests.querying.asking import ask
from tests.querying.library import make_library
from tests.stock import stock

PATH = "/monitoring/performance-metrics"


@pytest.mark.django_db
def test_it_has_health_times_pool_caches_and_recommendations(client: Client) -> None:
    answer_question(ask(make_library()))
    body = client.get(PATH).json()
    assert body["health"]["status"] in {"healthy", "degraded"}
    assert body["timings"]["rag_lexical_fetch"].keys() == {"sample_count", "avg_ms", "p50", "p95_ms", "p99_ms"}
    assert body["pool"].keys() == {"pool_size", "available", "in_use", "waiting", "initialized"}
    assert 0 <= body["cache_hit_rate"] <= 1
    assert isinstance(body["recommendations"], list)
    assert (body["process_id"], body["counters_scope"]) == (os.getpid(), "this process")


@pytest.mark.django_db
def test_counters_become_recommendations(client: Client) -> None:
    before = client.get(PATH).json()["counters"]
    CONTEXT_TRUNCATED.inc()
    BREAKER_TRANSITIONS.labels("generate", "OPEN").inc()
    BREAKER_TRANSITIONS.labels("generate", "CLOSED").inc()
    body = client.get(PATH).json()
    assert body["counters"]["context_truncated"] == before["context_truncated"] + 1
    assert body["counters"]["breaker_openings"] == before["breaker_openings"] + 1
    assert any("OLLAMA_NUM_CTX" in text for text in body["recommendations"])


@pytest.mark.django_db
def test_a_large_corpus_without_an_index_is_named(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 2
    small, large = make_corpus(slug="small"), make_corpus(slug="large")
    stock(small, "One.")
    stock(large, "One.", "Two.", "Three.")
    found = [text for text in client.get(PATH).json()["recommendations"] if "no vector index" in text]
    assert len(found) == 1
    assert "large" in found[0]
    assert "small" not in found[0]
    monkeypatch.setattr(performance_report, "has_index", lambda space: True)
    assert not [text for text in client.get(PATH).json()["recommendations"] if "no vector index" in text]


@pytest.mark.django_db
def test_it_is_for_whoever_may_read_metrics(client: Client, settings: Settings) -> None:
    assert client.get(PATH, headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 401
    assert client.get(PATH, REMOTE_ADDR="10.0.0.7").status_code == 401
    settings.METRICS_TOKEN = "s3cret"
    assert client.get(PATH).status_code == 401
    reply = client.get(PATH, headers={"Authorization": "Bearer s3cret"}, REMOTE_ADDR="10.0.0.7")
    assert reply.status_code == 200
    assert client.post(PATH).status_code == 405


def test_without_postgres_it_still_tells_the_rest(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> object:
        raise DatabaseError("connection refused")

    for module in ("health.services", "tuning.connection_budget", "performance.report"):
        monkeypatch.setattr(f"monitoring.{module}.bounded_transaction", refuse)
    body = client.get(PATH).json()
    assert body["health"]["services"]["postgres"]["healthy"] is False
    assert "timings" in body


@pytest.mark.django_db
def test_too_many_processes_for_postgres_are_found_by_check_deploy(settings: Settings) -> None:
    make_user(is_superuser=True)
    assert check_database(None) == []
    settings.WEB_WORKERS = 1000
    assert [message.id for message in check_database(None)] == ["ragsite.E013"]
    assert "1000 web processes" in check_database(None)[0].msg


@pytest.mark.django_db
def test_connections_that_postgres_keeps_for_superusers_are_not_ours() -> None:
    assert connection_budget().allowed < 100  # max_connections of the embedded server
    assert connection_budget(web_processes=3, ingestion_workers=0).needed == 3 * 5 + 5
