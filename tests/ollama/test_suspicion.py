"""A host that says nothing, or is gone, is left alone before five calls have failed; a sign of life ends that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from pytest_django import Settings

from ragsite.errors import CircuitOpen, OllamaError
from ragsite.ollama import OllamaClient, host, probing

from .conftest import embed
from .scripted import HANG, Request, ScriptedOllama, Step, embed_reply, wait_until


@pytest.fixture(autouse=True)
def patient_callers_and_a_quick_suspicion(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 20.0
    settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS = 30.0
    monkeypatch.setattr(host, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(probing, "PROBE_EVERY_SECONDS", 0.05)


def call_in_background(client: OllamaClient, count: int) -> list[threading.Thread]:
    def call() -> None:
        with suppress(OllamaError):
            embed(client, seconds=3)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def states(client: OllamaClient) -> tuple[str, str]:
    return client.get_circuit_state("embed")["state"], client.get_circuit_state("generate")["state"]


def test_a_host_that_is_silent_to_five_callers_is_not_asked_by_a_sixth(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = lambda request: [HANG]
    threads = call_in_background(client, 5)
    assert wait_until(lambda: server.count("/api/embed") == 5)
    threading.Event().wait(0.3)
    with pytest.raises(CircuitOpen):
        embed(client)
    assert states(client) == ("OPEN", "OPEN")
    for thread in threads:
        thread.join(10)


def test_four_silent_calls_prove_nothing(client: OllamaClient, server: ScriptedOllama) -> None:
    turns: list[Request] = []

    def play(request: Request) -> list[Step]:
        turns.append(request)
        return [HANG] if len(turns) <= 4 else [embed_reply(request)]

    server.plays["/api/embed"] = play
    threads = call_in_background(client, 4)
    assert wait_until(lambda: server.count("/api/embed") == 4)
    threading.Event().wait(0.3)
    assert embed(client)
    for thread in threads:
        thread.join(10)


def test_a_slow_host_is_used_again_as_soon_as_it_says_something(client: OllamaClient, server: ScriptedOllama) -> None:
    loaded = threading.Event()

    def play(request: Request) -> list[Step]:
        loaded.wait(10)
        return [embed_reply(request)]

    server.plays["/api/embed"] = play
    threads = call_in_background(client, 5)
    assert wait_until(lambda: server.count("/api/embed") == 5)
    threading.Event().wait(0.3)
    with pytest.raises(CircuitOpen):
        embed(client)
    loaded.set()
    for thread in threads:
        thread.join(10)
    assert embed(client), "without waiting for the open time"


def test_a_host_where_nobody_listens_is_left_alone_at_once_and_used_when_it_is_back(
    make_server: Callable[..., ScriptedOllama], make_client: Callable[..., OllamaClient]
) -> None:
    first = make_server()
    client = make_client(first)
    assert embed(client)
    first.stop()
    with suppress(OllamaError):
        embed(client)
    assert wait_until(lambda: states(client) == ("OPEN", "OPEN"))
    make_server(first.port)
    assert wait_until(lambda: states(client) == ("CLOSED", "CLOSED"))
    assert embed(client)
