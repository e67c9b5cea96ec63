"""Health says what is wrong, without changing anything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from monitoring.health import services as health_module
from ragsite.ollama import get_client
from ragsite.postgres.pool_stats import pool_stats
from ragsite.web.proxies import speaks_of_proxy


@pytest.fixture
def broken_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every query fail as it does when Postgres is gone."""

    def refuse(*args: object, **kwargs: object) -> object:
        raise DatabaseError("connection refused to secret-host")

    monkeypatch.setattr("monitoring.health.services.bounded_transaction", refuse)


@pytest.mark.django_db
def test_health_has_the_shape_that_monitors_expect(client: Client) -> None:
    reply = client.get("/health")
    body = reply.json()
    assert reply.status_code == 200
    assert body["status"] == "healthy"
    assert set(body["services"]) == {"postgres", "redis", "ollama", "queue"}
    assert {"healthy", "circuit_breaker", "message"} <= set(body["services"]["ollama"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])


@pytest.mark.django_db
def test_health_tells_of_each_model_server_and_is_degraded_while_one_circuit_is_open(
    client: Client, settings: Settings
) -> None:
    settings.OLLAMA_BASE_URLS = ["http://127.0.0.1:1"]
    get_client().close_circuit("http://127.0.0.1:1", "generate")
    service = client.get("/health").json()["services"]["ollama"]
    assert (service["healthy"], service["circuit_breaker"]["state"]) == (True, "CLOSED")
    assert [host["url"] for host in service["hosts"]] == ["http://127.0.0.1:1"]
    get_client().open_circuit("http://127.0.0.1:1", "generate")
    body = client.get("/health").json()
    assert body["services"]["ollama"]["circuit_breaker"]["state"] == "OPEN"
    assert body["status"] == "degraded", "searches still work, but no answer is written"


@pytest.mark.usefixtures("broken_database")
def test_without_postgres_it_lives_but_is_not_ready(client: Client) -> None:
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["services"]["postgres"]["healthy"] is False
    assert client.get("/health").json()["status"] == "degraded"
    assert "secret-host" not in ready.content.decode()


@pytest.mark.django_db
def test_it_is_ready_when_the_schema_is_complete(client: Client) -> None:
    assert client.get("/health/ready").json()["ready"] is True


@pytest.mark.django_db
def test_it_is_not_ready_while_migrations_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "schema_is_complete", lambda: False)
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert "manage.py prepare" in reply.json()["services"]["postgres"]["message"]


@pytest.mark.django_db
def test_it_is_not_ready_while_every_page_would_fail(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "static_files_problem", lambda: "The static files are missing.")
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert reply.json()["services"]["static_files"] == {"healthy": False, "message": "The static files are missing."}


@pytest.mark.django_db
def test_an_old_pgvector_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "OLDEST_PGVECTOR", (99, 0, 0))
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert "too old" in reply.json()["services"]["postgres"]["message"]


@pytest.mark.django_db
def test_the_pool_is_shown(client: Client) -> None:
    client.get("/health/ready")
    body = client.get("/api/pool/stats").json()
    assert body == client.get("/monitoring/pool-status").json()
    assert body["initialized"] is True
    assert body["pool_size"] == body["available"] + body["in_use"]
    assert pool_stats().pool_size == body["pool_size"]


def test_metrics_are_for_this_machine(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 401, "a Unix socket, of a proxy"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_header_of_a_proxy_only_refuses(client: Client, header: str) -> None:
    refused = client.get("/metrics", headers={header: "127.0.0.1"})
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.json()["code"] == "metrics_token_needed"


def test_where_a_proxy_is_configured_the_address_says_nothing(client: Client, settings: Settings) -> None:
    settings.IS_BEHIND_PROXY = True
    assert client.get("/metrics").status_code == 401
    settings.METRICS_TOKEN = "s3cret"
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_what_speaks_of_a_proxy() -> None:
    plain: dict[str, Any] = {"https": False, "num_proxies": 0, "trusted_origins": [], "hosts": ["localhost", "[::1]"]}
    assert not speaks_of_proxy(**plain)
    speaking: list[dict[str, Any]] = [
        {"https": True},
        {"num_proxies": 1},
        {"trusted_origins": ["https://answers.example"]},
        {"hosts": ["localhost", "answers.example"]},
        {"hosts": ["*"]},
    ]
    for more in speaking:
        assert speaks_of_proxy(**{**plain, **more}), more


def test_metrics_are_for_whoever_has_the_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 401
    for wrong in ("Bearer wrong", "Bearer ümlaut", "s3cret", "Basic s3cret", "Bearer"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401, wrong
    reply = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}, REMOTE_ADDR="10.0.0.7")
    assert reply.status_code == 200
    assert b"query_duration_seconds" in reply.content
