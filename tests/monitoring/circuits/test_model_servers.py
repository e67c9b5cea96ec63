"""How /health tells of model servers: in the shape that monitors know, and without a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from monitoring.health.system_checks import check_settings
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.ollama import get_client
from tests.monitoring.watched_hosts import embed, second, standin, unsuspecting, wait_until

__all__ = ["second", "standin", "unsuspecting"]
pytestmark = pytest.mark.django_db


def health(client: Client) -> dict[str, Any]:
    reply = client.get("/health")
    assert reply.status_code == 200
    body: dict[str, Any] = reply.json()
    return body


def ollama_of(client: Client) -> dict[str, Any]:
    service: dict[str, Any] = health(client)["services"]["ollama"]
    return service


def test_the_shape_is_the_same_whether_there_is_a_model_server_or_not(
    client: Client, standin: StandIn, settings: Settings
) -> None:
    keys = {"healthy", "circuit_breaker", "message", "hosts"}
    for urls in ([standin.url], []):
        settings.OLLAMA_BASE_URLS = urls
        body = health(client)
        assert set(body) == {"status", "services", "timestamp"}
        assert body["status"] == "healthy"
        assert set(body["services"]) == {"ollama", "postgres", "redis", "queue"}
        service = body["services"]["ollama"]
        assert set(service) == keys
        assert set(service["circuit_breaker"]) == {"state", "failure_count", "last_failure"}
        assert len(service["hosts"]) == len(urls)
    assert service["circuit_breaker"]["state"] == "UNKNOWN"


def test_a_host_is_told_with_each_of_its_circuits(client: Client, standin: StandIn) -> None:
    circuit = {"state": "CLOSED", "failure_count": 0, "last_failure": None}
    assert ollama_of(client)["hosts"] == [
        {
            "url": standin.url,
            "healthy": True,
            "draining": False,
            "in_flight": 0,
            "waiting": 0,
            "circuits": {"embed": circuit, "generate": circuit},
        }
    ]


@pytest.mark.usefixtures("unsuspecting")
def test_an_outage_shows_and_so_does_its_end(client: Client, standin: StandIn) -> None:
    assert ollama_of(client)["message"] == "Operational"
    standin.stop()
    for _call in range(6):
        embed()
    body = health(client)
    service = body["services"]["ollama"]
    assert (body["status"], service["healthy"]) == ("degraded", False)
    assert (service["circuit_breaker"]["state"], service["circuit_breaker"]["failure_count"]) == ("OPEN", 5)
    assert datetime.fromisoformat(service["circuit_breaker"]["last_failure"]).tzinfo is not None
    assert service["message"] == "Circuit OPEN - Service unavailable"
    assert [circuit["state"] for circuit in service["hosts"][0]["circuits"].values()] == ["OPEN", "CLOSED"]
    standin.start()
    wait_until(embed)
    body = health(client)
    assert body["status"] == "healthy"
    assert body["services"]["ollama"]["circuit_breaker"]["state"] == "CLOSED"
    assert body["services"]["ollama"]["message"] == "Operational"


@pytest.mark.usefixtures("unsuspecting")
def test_a_host_that_is_down_is_not_healthy_before_its_circuit_opens(client: Client, standin: StandIn) -> None:
    standin.stop()
    embed()
    service = ollama_of(client)
    assert (service["healthy"], service["circuit_breaker"]["state"]) == (False, "CLOSED")
    assert "does not answer" in service["message"]


def test_one_host_of_two_is_enough(client: Client, standin: StandIn, second: StandIn) -> None:
    get_client().open_circuit(standin.url, "embed", 30)
    service = ollama_of(client)
    assert (service["healthy"], service["circuit_breaker"]["state"]) == (True, "CLOSED")
    assert [host["healthy"] for host in service["hosts"]] == [False, True]
    get_client().set_draining(second.url, True)
    assert ollama_of(client)["message"] == "Circuit OPEN - Service unavailable"
    get_client().set_draining(standin.url, True)
    assert ollama_of(client)["message"] == "Every model server is being drained."


def test_a_full_host_is_not_a_sick_one(client: Client, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_client().hosts[0].gate, "has_room", lambda: False)
    assert not get_client().can("embed")
    assert ollama_of(client)["healthy"] is True


def test_circuits_that_are_switched_off_are_unknown(client: Client, standin: StandIn, settings: Settings) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    service = ollama_of(client)
    assert (service["healthy"], service["circuit_breaker"]["state"]) == (True, "UNKNOWN")


@pytest.mark.parametrize(
    "url",
    [
        "http://me:s3cret@127.0.0.1:1",  # nobody there
        "http://me:s3cret@127.0.0.1:port",  # no address
        "me:s3cret@127.0.0.1:port",  # ... and no scheme
        "http://me:s3cret/x@127.0.0.1",  # a password that should have been escaped
        "http://me:x@s3cret@127.0.0.1:port",
    ],
)
def test_no_credential_is_told_or_logged(
    url: str, client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OLLAMA_BASE_URLS = [url]
    settings.OLLAMA_CONNECT_TIMEOUT_SECONDS = 0.2
    assert all("s3cret" not in found.msg for found in check_settings(None))
    for _call in range(6):
        embed_or_not()
    reply = client.get("/health")
    assert reply.status_code == 200
    assert reply.json()["status"] == "degraded"
    assert "s3cret" not in reply.content.decode()
    assert "s3cret" not in client.get("/health/ready").content.decode()
    assert "s3cret" not in caplog.text
    assert "s3cret" not in client.get("/metrics").content.decode()


def embed_or_not() -> None:
    try:
        embed()
    except Exception as exc:
        assert "s3cret" not in str(exc)
