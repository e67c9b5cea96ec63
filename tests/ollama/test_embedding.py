"""Vectors: as many as texts, of one length, finite, not zero; anything else is a broken reply and never data."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings

from ragsite.errors import BrokenReply, OllamaTimeout, OllamaUnavailable
from ragsite.ollama import OllamaClient

from .conftest import embed
from .scripted import HANG, Play, Request, ScriptedOllama, Step, embed_reply, reply, wait_until


def test_vectors_come_in_the_order_of_the_texts(client: OllamaClient, server: ScriptedOllama) -> None:
    assert embed(client, "a", "bbb", "") == [[1.0, 0.5, 2.0], [1.0, 0.5, 4.0], [1.0, 0.5, 1.0]]
    sent = server.requests[0].json
    assert sent["input"] == ["a", "bbb", ""]
    assert sent["truncate"] is True  # one text that is too long must not fail the others


def test_nothing_is_asked_for_no_texts(client: OllamaClient, server: ScriptedOllama) -> None:
    assert client.embed("m", [], deadline=None) == []  # type: ignore[arg-type]
    assert server.connections == 0


def test_embed_and_chat_load_a_model_with_the_same_options(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    embed(client)
    assert server.requests[0].json["options"] == {"num_ctx": settings.OLLAMA_NUM_CTX}
    assert server.requests[0].json["keep_alive"] == "30m"


@pytest.mark.parametrize(
    "embeddings",
    [
        [],
        [[1.0]],  # too few
        [[1.0], [1.0], [1.0]],  # too many
        [[1.0], [1.0, 2.0]],  # of different lengths
        [[], []],
        [[0.0, 0.0], [1.0, 1.0]],  # zero: its cosine is no number
        [[float("nan"), 1.0], [1.0, 1.0]],
        [[float("inf"), 1.0], [1.0, 1.0]],
        [["1.0", 1.0], [1.0, 1.0]],
        [[True, 1.0], [1.0, 1.0]],
        [[None, 1.0], [1.0, 1.0]],
        [[[1.0], 1.0], [1.0, 1.0]],
        [1.0, 1.0],
        None,
        "vectors",
        {"0": [1.0]},
    ],
)
def test_vectors_that_cannot_be_used_are_a_broken_reply(
    embeddings: Any, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = lambda request: [reply({"embeddings": embeddings})]
    with pytest.raises(BrokenReply):
        embed(client, "a", "b")
    assert client.get_circuit_state("embed")["failure_count"] >= 1


def test_whole_numbers_in_a_vector_are_numbers_too(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [reply(b'{"embeddings":[[1,0,-2]]}')]
    assert embed(client) == [[1.0, 0.0, -2.0]]


def answered_together(server: ScriptedOllama, count: int) -> Play:
    """Return a play in which nobody is answered before so many have asked."""
    all_there = threading.Event()

    def play(request: Request) -> list[Step]:
        if server.active == count:
            all_there.set()
        return [all_there, embed_reply(request)]

    return play


def test_calls_run_side_by_side_and_not_one_after_another(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = answered_together(server, 8)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(lambda _number: embed(client), range(8)))) == 8
    assert server.most_active == 8


def test_connections_are_kept_for_as_many_calls_as_ran_at_once(client: OllamaClient, server: ScriptedOllama) -> None:
    together = threading.Barrier(20)
    server.plays["/api/embed"] = answered_together(server, 20)

    def twice(_number: int) -> None:
        for _time in range(3):
            together.wait()
            embed(client)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(twice, range(20)))
    assert server.connections == 20


def test_an_idle_connection_that_the_host_closed_is_not_used(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [embed_reply(request), "close"]
    for _time in range(5):
        embed(client)
        assert wait_until(lambda: not server._open)
    assert client.get_circuit_state("embed")["failure_count"] == 0
    assert server.connections == 5


@pytest.mark.usefixtures("short_times")
def test_a_reply_that_never_comes_is_a_timeout_and_the_host_is_told(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/embed"] = lambda request: [HANG]
    with pytest.raises(OllamaTimeout):
        embed(client)
    assert wait_until(lambda: server.clients_left == 1 and server.active == 0)


def test_the_original_error_is_what_the_caller_sees_also_on_the_call_that_opens_the_circuit(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.CIRCUIT_FAILURE_THRESHOLD = 1
    server.plays["/api/embed"] = lambda request: [reply({"error": "the card is on fire"}, 500)]
    with pytest.raises(OllamaUnavailable, match="the card is on fire"):
        embed(client)
    assert client.get_circuit_state("embed")["state"] == "OPEN"
