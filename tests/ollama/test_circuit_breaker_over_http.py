"""The circuit breaker around real calls: what reaches the host, and what counts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from ragsite.errors import CircuitOpen, OllamaBusy, OllamaError, OllamaUnavailable
from ragsite.ollama import BreakerChange, OllamaClient
from ragsite.ollama.values import Token

from .conftest import ask, embed, next_of, read
from .scripted import HANG, STREAM_HEAD, ScriptedOllama, answer, embed_reply, line, reply, token, wait_until


def test_the_sixth_call_to_a_dead_host_makes_no_connection(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), "reset"]
    for _call in range(5):
        with pytest.raises(OllamaUnavailable):
            read(client)
    with pytest.raises(CircuitOpen) as refused:
        read(client)
    assert server.count("/api/chat") == 5
    assert refused.value.retry_after_seconds
    assert not client.can("generate")
    assert client.can("embed")  # each operation has a circuit of its own
    assert embed(client)


@pytest.mark.parametrize(("healthy", "ends_as"), [(True, "CLOSED"), (False, "OPEN")])
def test_of_fifty_threads_at_a_half_open_circuit_one_reaches_the_host(
    healthy: bool, ends_as: str, client: OllamaClient, server: ScriptedOllama
) -> None:
    all_refused = threading.Event()
    refused: list[CircuitOpen] = []

    def probed(request: Any) -> list[Any]:
        return [all_refused, embed_reply(request) if healthy else reply({"error": "boom"}, 500)]

    server.plays["/api/embed"] = probed
    breaker = client.hosts[0].breakers["embed"]
    breaker.open(seconds=0.0)
    assert breaker.get_circuit_state()["state"] == "HALF_OPEN"
    together = threading.Barrier(50)

    def call(_number: int) -> str:
        together.wait()
        try:
            embed(client)
        except CircuitOpen as error:
            refused.append(error)
            if len(refused) == 49:
                all_refused.set()
            return "refused"
        except OllamaUnavailable:
            return "failed"
        return "answered"

    with ThreadPoolExecutor(50) as pool:
        outcomes = sorted(pool.map(call, range(50)))
    assert server.count("/api/embed") == 1
    assert outcomes == sorted(["answered" if healthy else "failed", *["refused"] * 49])
    assert client.get_circuit_state("embed")["state"] == ends_as


def test_a_streams_probe_lets_the_others_in_at_its_first_token(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    client.hosts[0].breakers["generate"].open(seconds=0.0)
    probe = ask(client)
    assert next_of(probe) == Token("a")
    server.plays["/api/chat"] = lambda request: answer("b")
    assert read(client)[0] == "b"
    probe.close()
    assert client.get_circuit_state("generate")["state"] == "CLOSED"


@pytest.mark.parametrize(
    "refusal",
    [
        reply({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503),
        reply({"error": "invalid input type"}, 400),
        reply({"error": "the input length exceeds the context length"}, 400),
        reply({"error": '"m" does not support generate'}, 400),
        reply(b"", 403),
    ],
)
def test_refusals_of_a_host_that_lives_never_open_it(
    refusal: bytes, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = server.plays["/api/chat"] = lambda request: [refusal]
    for _call in range(20):
        with pytest.raises(OllamaError):
            embed(client)
        with pytest.raises(OllamaError):
            read(client)
    for operation in ("embed", "generate"):
        assert client.get_circuit_state(operation)["state"] == "CLOSED"
        assert client.get_circuit_state(operation)["failure_count"] == 0


def test_a_busy_reply_to_a_probe_leaves_the_question_open(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [reply({"error": "maximum pending requests exceeded"}, 503)]
    client.hosts[0].breakers["embed"].open(seconds=0.0)
    with pytest.raises(OllamaBusy):
        embed(client)
    assert client.get_circuit_state("embed")["state"] == "HALF_OPEN"
    del server.plays["/api/embed"]
    server.plays["/api/embed"] = lambda request: [embed_reply(request)]
    assert embed(client)
    assert client.get_circuit_state("embed")["state"] == "CLOSED"


def test_a_reader_in_a_hurry_says_nothing_about_the_host(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = server.plays["/api/chat"] = lambda request: [HANG]
    for _call in range(10):
        with pytest.raises(OllamaError):
            embed(client, seconds=0.05)
        with pytest.raises(OllamaError):
            read(client, seconds=0.05)
    assert client.get_circuit_state()["failure_count"] == 0


def test_a_deadline_in_the_middle_of_a_good_answer_says_nothing_about_the_host(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: answer(*"x" * 200, pause=0.02)
    with pytest.raises(OllamaUnavailable):
        read(client, seconds=0.4)
    assert client.get_circuit_state("generate")["failure_count"] == 0


def test_changes_are_logged_counted_shown_and_passed_on_once(
    client: OllamaClient, server: ScriptedOllama, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    changes: list[BreakerChange] = []
    client.subscribe(changes.append)

    def fail(change: BreakerChange) -> None:
        raise ZeroDivisionError

    stop = client.subscribe(fail)  # a listener that fails harms nobody
    before = REGISTRY.get_sample_value("breaker_transitions_total", {"operation": "embed", "state": "OPEN"}) or 0
    server.plays["/api/embed"] = lambda request: [reply({"error": "boom"}, 500)]
    with caplog.at_level(logging.INFO, "ragsite.ollama"):
        for _call in range(20):
            with pytest.raises(OllamaUnavailable):
                embed(client)
    stop()
    assert [(change.old_state, change.new_state) for change in changes] == [("CLOSED", "OPEN")]
    assert "failures in a row" in changes[0].reason
    assert len([record for record in caplog.records if "circuit OPEN" in record.getMessage()]) == 1
    after = REGISTRY.get_sample_value("breaker_transitions_total", {"operation": "embed", "state": "OPEN"})
    assert after == before + 1
    gauge = {"host": server.url, "operation": "embed"}
    assert REGISTRY.get_sample_value("breaker_open", gauge) == 1
    client.close_circuit(server.url, "embed")
    assert REGISTRY.get_sample_value("breaker_open", gauge) == 0


def test_failures_after_the_first_token_count_and_open_it(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), line({"error": "EOF"})]
    for _call in range(5):
        with pytest.raises(OllamaUnavailable):
            read(client)
    assert client.get_circuit_state("generate")["state"] == "OPEN"


def test_a_call_in_progress_holds_no_lock(
    client: OllamaClient, server: ScriptedOllama, make_client: Callable[..., OllamaClient]
) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    stream = ask(client)
    next_of(stream)
    done = threading.Event()

    def operator() -> None:
        client.open_circuit(server.url, "generate")
        client.close_circuit(server.url, "generate")
        client.states()
        done.set()

    threading.Thread(target=operator, daemon=True).start()
    assert done.wait(8.0)  # before the stream, which is given ten seconds, has ended
    stream.close()
    assert wait_until(lambda: server.clients_left == 1)
