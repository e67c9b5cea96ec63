"""Readers who leave in the middle: the host is told at once, everything comes back, and nobody is blamed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ragsite.ollama import OllamaClient
from ragsite.ollama.values import Finished, Tick, Token

from .conftest import ask, next_of
from .scripted import HANG, STREAM_END, STREAM_HEAD, ScriptedOllama, done, token, wait_until


def our_threads() -> set[threading.Thread]:
    """Return the threads that look after model servers; of another test's client some may be about to end."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("ollama")}


def test_closing_the_iterator_closes_the_upstream_at_once(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    stream = ask(client)
    assert next_of(stream) == Token("a")
    assert server.active == 1
    stream.close()
    assert wait_until(lambda: server.clients_left == 1)
    assert client.states()[0].in_flight == 0


def test_closing_at_a_tick_before_the_head_closes_the_upstream_too(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: [HANG]
    stream = ask(client)
    assert isinstance(next(stream), Tick)
    stream.close()
    assert wait_until(lambda: server.clients_left == 1)


def test_an_abandoned_iterator_gives_everything_back(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    stream = ask(client)
    next_of(stream)
    del stream
    assert wait_until(lambda: server.clients_left == 1)
    assert client.states()[0].in_flight == 0


def test_readers_who_leave_never_open_the_circuit_and_leave_no_thread(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    before = our_threads()
    for _reader in range(50):
        stream = ask(client)
        next_of(stream)
        stream.close()
    assert client.get_circuit_state("generate") == {"state": "CLOSED", "failure_count": 0, "last_failure": None}
    assert wait_until(lambda: server.clients_left == 50)
    assert server.active == 0
    assert our_threads() <= before


def test_streams_run_side_by_side_without_a_thread_of_ours(
    client: OllamaClient, server: ScriptedOllama, make_client: Callable[..., OllamaClient]
) -> None:
    go_on = threading.Event()
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), go_on, done(), STREAM_END]
    before = our_threads()
    streams = [ask(client) for _stream in range(20)]
    for stream in streams:
        next_of(stream)
    assert server.active == 20
    assert our_threads() <= before
    go_on.set()
    assert all(isinstance(list(stream)[-1], Finished) for stream in streams)
