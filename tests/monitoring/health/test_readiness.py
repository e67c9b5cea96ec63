"""At first a process waits for its neighbours, each of them once; later it does without them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from monitoring.health import readiness
from monitoring.health.readiness import FirstLook
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.web_process import free_port
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def young(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirstLook]:
    """This process has just started."""
    look = FirstLook()
    monkeypatch.setattr(readiness, "first_look", look)
    yield look
    if look._probe is not None:
        look._probe.join(10)


def test_what_is_not_configured_is_not_waited_for(client: Client) -> None:
    reply = client.get("/health/ready")
    assert reply.status_code == 200
    assert set(reply.json()["services"]) == {"postgres", "static_files"}


def test_that_nobody_can_manage_it_is_told_until_somebody_can(client: Client) -> None:
    (warning,) = client.get("/health/ready").json()["warnings"]
    assert "manage.py prepare" in warning
    make_user(is_superuser=True)
    assert "warnings" not in client.get("/health/ready").json()
    User.objects.all().delete()
    assert "warnings" not in client.get("/health/ready").json(), "it is asked once"


def test_a_redis_that_was_never_seen_is_waited_for(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert reply.json()["services"]["redis"]["message"]


def test_a_model_server_is_waited_for_until_it_was_seen(client: Client, settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = [f"http://127.0.0.1:{free_port()}"]
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert reply.json()["services"]["ollama"] == {"healthy": False, "message": "No model server has answered yet."}
    with StandIn(["llama3.2:1b"]) as standin:
        settings.OLLAMA_BASE_URLS = [standin.url]
        assert client.get("/health/ready").status_code == 200
    assert client.get("/health/ready").status_code == 200, "it was seen, and can be done without"


def test_an_address_that_is_none_is_said(client: Client, settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = ["http://"]
    reply = client.get("/health/ready")
    assert reply.status_code == 503
    assert reply.json()["services"]["ollama"]["message"]


def test_after_a_minute_nobody_is_waited_for(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    settings.OLLAMA_BASE_URLS = [f"http://127.0.0.1:{free_port()}"]
    assert client.get("/health/ready").status_code == 503
    monkeypatch.setattr(readiness, "FIRST_LOOK_SECONDS", 0.0)
    assert client.get("/health/ready").status_code == 200


def test_postgres_is_always_needed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FIRST_LOOK_SECONDS", 0.0)
    monkeypatch.setattr("monitoring.health.services.schema_is_complete", lambda: False)
    assert client.get("/health/ready").status_code == 503
