"""What happens to circuits is stored, beside the requests that cause it."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from monitoring.circuits import event_log, operator_orders
from monitoring.circuits import watcher as circuits_watcher
from monitoring.circuits.watcher import CircuitWatch
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.models import CircuitEvent
from ragsite import ollama
from ragsite.ollama import OllamaClient, get_client
from ragsite.postgres.pool_stats import pool_stats
from tests.monitoring.watched_hosts import embed, standin, unsuspecting, wait_until, watch

__all__ = ["standin", "unsuspecting", "watch"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(standin: StandIn, watch: CircuitWatch) -> OllamaClient:
    client = get_client()
    watch.watch(client)
    return client


def states(operation: str) -> list[str]:
    events = CircuitEvent.objects.filter(operation=operation).order_by("at", "pk")
    return [event.to_state for event in events]


@pytest.mark.usefixtures("unsuspecting")
def test_an_outage_is_stored_with_time_and_cause_and_so_is_its_end(client: OllamaClient, standin: StandIn) -> None:
    standin.stop()
    for _call in range(6):
        assert not embed(client)
    wait_until(lambda: states("embed") == ["OPEN"])
    opened = CircuitEvent.objects.get(operation="embed")
    assert (opened.host, opened.from_state) == (standin.url, "CLOSED")
    assert "5 failures in a row" in opened.cause
    assert opened.pid > 0
    wait_until(lambda: states("") == ["DOWN"])
    assert "not reachable" in CircuitEvent.objects.get(operation="").cause
    standin.start()
    wait_until(lambda: embed(client))
    wait_until(lambda: states("embed")[-1] == "CLOSED" and states("")[-1] == "UP")
    assert states("embed")[-2:] == ["HALF_OPEN", "CLOSED"]


def test_a_new_client_is_watched_without_anybody_asking(
    standin: StandIn, watch: CircuitWatch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "_callbacks", [])
    ollama.on_new_client(watch.watch)
    get_client().open_circuit(standin.url, "generate")
    wait_until(lambda: states("generate") == ["OPEN"])
    settings.OLLAMA_BASE_URLS = [f"{standin.url}/other"]
    get_client().open_circuit(f"{standin.url}/other", "generate")
    wait_until(lambda: states("generate") == ["OPEN", "OPEN"])


def test_a_callback_that_fails_disturbs_no_call(standin: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    def fail(client: OllamaClient) -> None:
        raise RuntimeError("can't start new thread")

    ollama.on_new_client(fail)
    assert embed()
    assert "new client failed" in caplog.text


def test_the_thread_gives_back_its_connection(client: OllamaClient, standin: StandIn) -> None:
    for _change in range(10):
        client.open_circuit(standin.url, "embed")
        client.close_circuit(standin.url, "embed")
    wait_until(lambda: len(states("embed")) == 20)
    connection.close()
    wait_until(lambda: pool_stats().in_use == 0)


def test_a_forked_process_starts_its_own(client: OllamaClient, watch: CircuitWatch) -> None:
    child = os.fork()
    if not child:
        own = circuits_watcher._current.watch
        os._exit(0 if own is not watch and own._thread is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert circuits_watcher._current.watch is watch


def refuse(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("no connection to secret-host")


def test_a_database_that_is_away_disturbs_nobody_and_is_caught_up_with(
    client: OllamaClient,
    standin: StandIn,
    watch: CircuitWatch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "monitoring")
    monkeypatch.setattr("monitoring.circuits.watcher.RETRY_SECONDS", 0.2)
    monkeypatch.setattr("monitoring.circuits.watcher.LOOK_EVERY_SECONDS", 0.05)
    with monkeypatch.context() as broken:
        broken.setattr(event_log, "bounded_transaction", refuse)
        broken.setattr(operator_orders, "bounded_transaction", refuse)
        client.open_circuit(standin.url, "embed")
        wait_until(lambda: "changes of circuits wait for the database" in caplog.text)
        client.close_circuit(standin.url, "embed")
        assert embed(client)
        time.sleep(0.6)
        assert states("embed") == []
        assert caplog.text.count("wait for the database") == 1, "it is said once"
        assert "secret-host" not in caplog.text
    wait_until(lambda: states("embed") == ["OPEN", "CLOSED"])


def test_a_database_that_hangs_keeps_no_call_waiting(
    client: OllamaClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, goes_on = threading.Event(), threading.Event()

    def hang(*args: Any, **kwargs: Any) -> Any:
        is_asked.set()
        goes_on.wait(20)
        raise OperationalError("at last")

    monkeypatch.setattr(event_log, "bounded_transaction", hang)
    client.open_circuit(standin.url, "generate")
    assert is_asked.wait(10)
    started = time.monotonic()
    for _call in range(5):
        client.open_circuit(standin.url, "embed")
        client.close_circuit(standin.url, "embed")
        assert embed(client)
    assert not goes_on.is_set()
    assert time.monotonic() - started < 10
    goes_on.set()


def test_a_pool_in_which_somebody_waits_is_left_to_them(
    client: OllamaClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    full = pool_stats().__class__(pool_size=2, available=0, in_use=2, waiting=1, initialized=True)
    monkeypatch.setattr("monitoring.circuits.watcher.pool_stats", lambda: asked.append("pool") or full)  # type: ignore[func-returns-value]
    client.open_circuit(standin.url, "embed")
    wait_until(lambda: len(asked) >= 2)
    assert states("embed") == []


def test_a_circuit_that_opens_on_suspicion_says_so(client: OllamaClient, standin: StandIn) -> None:
    standin.stop()
    assert not embed(client)
    wait_until(lambda: states("embed") == ["OPEN"])
    assert "nobody listens" in CircuitEvent.objects.get(operation="embed").cause
