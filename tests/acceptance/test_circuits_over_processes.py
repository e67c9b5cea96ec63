"""An operator's orders and what becomes of them, in the real processes: two web workers and an indexing worker."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from pytest_django import Settings

from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.models import CircuitEvent
from tests.factories import make_corpus
from tests.monitoring.watched_hosts import embeds_of, wait_until
from tests.server import Server, running_server
from tests.uploads import upload
from tests.workers import end, start_command

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "s3cret"
LOOKS = 12  # each on a new connection: enough to meet both workers


@pytest.fixture
def standins() -> Iterator[tuple[StandIn, StandIn]]:
    with StandIn(["nomic-embed-text", "llama3.2:1b"]) as first, StandIn(["nomic-embed-text", "llama3.2:1b"]) as second:
        yield first, second


@pytest.fixture
def server(standins: tuple[StandIn, StandIn], tmp_path: Path, settings: Settings) -> Iterator[Server]:
    # With a password, which must be told nowhere.
    urls = [standin.url.replace("//", f"//me:{SECRET}@") for standin in standins]
    settings.OLLAMA_BASE_URLS = urls
    with running_server(tmp_path, WEB_WORKERS="2", OLLAMA_BASE_URL=",".join(urls)) as running:
        yield running


def services(server: Server) -> list[dict[str, Any]]:
    """Return what both workers say of the model servers."""
    replies = [requests.get(f"{server.url}/health", timeout=10) for _look in range(LOOKS)]
    assert all(reply.status_code == 200 and SECRET not in reply.text for reply in replies)
    return [reply.json()["services"]["ollama"] for reply in replies]


def told(server: Server, host: StandIn, operation: str) -> set[str]:
    found = {item["url"]: item for service in services(server) for item in service["hosts"]}
    assert host.url in found
    return {
        item["circuits"][operation]["state"]
        for service in services(server)
        for item in service["hosts"]
        if item["url"] == host.url
    }


def processes(host: StandIn, state: str) -> set[int]:
    events = CircuitEvent.objects.filter(host=host.url, operation="embed", to_state=state)
    return set(events.values_list("pid", flat=True))


def test_what_is_ordered_here_holds_in_every_worker_also_in_one_that_starts_later(
    server: Server, standins: tuple[StandIn, StandIn]
) -> None:
    first, _second = standins
    assert told(server, first, "embed") == {"CLOSED"}
    call_command("circuit", "open", first.url, "embed")
    wait_until(lambda: told(server, first, "embed") == {"OPEN"})
    wait_until(lambda: len(processes(first, "OPEN")) == 2)
    assert os.getpid() not in processes(first, "OPEN")
    os.kill(min(processes(first, "OPEN")), 9)
    wait_until(lambda: len(processes(first, "OPEN")) == 3)
    assert told(server, first, "embed") == {"OPEN"}
    call_command("circuit", "close", first.url, "embed")
    wait_until(lambda: told(server, first, "embed") == {"CLOSED"})
    wait_until(lambda: len(processes(first, "CLOSED")) == 2)
    log = server.log.read_text()
    assert SECRET not in log
    assert "Traceback" not in log


def test_a_host_is_drained_in_every_worker(server: Server, standins: tuple[StandIn, StandIn]) -> None:
    first, _second = standins
    call_command("drain_host", first.url)
    wait_until(lambda: all(service["hosts"][0]["draining"] for service in services(server)))
    assert all(service["healthy"] and not service["hosts"][1]["draining"] for service in services(server))
    call_command("drain_host", first.url, "--undo")
    wait_until(lambda: not any(service["hosts"][0]["draining"] for service in services(server)))


def test_the_indexing_worker_heeds_orders_too(standins: tuple[StandIn, StandIn], settings: Settings) -> None:
    first, second = standins
    settings.OLLAMA_BASE_URLS = [first.url, second.url]
    corpus = make_corpus(with_space=False)
    worker = start_command("work", OLLAMA_BASE_URL=f"{first.url},{second.url}")
    try:
        upload(corpus, "The first document is about leave.")
        wait_until(lambda: embeds_of(first) > 0, timeout_seconds=40)
        call_command("drain_host", first.url)
        time.sleep(3)  # it looks every two seconds
        seen = embeds_of(first)
        upload(corpus, "The second document is about travel.")
        wait_until(lambda: embeds_of(second) > 0, timeout_seconds=40)
        assert embeds_of(first) == seen
    finally:
        worker.terminate()
        end(worker)
