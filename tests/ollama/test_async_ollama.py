"""Many embeddings wanted at once from one event loop: the host gets no more than it may, and all come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from monitoring.lab.ollama_simulator import StandIn
from ragsite.deadline import Deadline
from ragsite.errors import OllamaBusy
from ragsite.ollama import Lane, OllamaClient
from ragsite.ollama.admission import WAITING_PER_SLOT

from .scripted import ScriptedOllama, embed_reply

EMBEDDER = "nomic-embed-text"
SLOTS = 4
CALLERS = SLOTS * (WAITING_PER_SLOT + 1)  # as many as may work or wait
Vectors = list[list[float]]


@pytest.fixture(autouse=True)
def few_slots(settings: Settings) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = SLOTS
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 10.0


@pytest.fixture
def make_standin() -> Iterator[Callable[[], StandIn]]:
    """Model servers that would do a hundred at once, if they were let."""
    with ExitStack() as running:
        yield lambda: running.enter_context(StandIn([EMBEDDER], embed_parallel=100, embed_seconds=0.02))


def text(number: int) -> str:
    return f"Rule {number} is about parking space {number * 7}."


def embed(client: OllamaClient, number: int) -> Vectors:
    return client.embed(EMBEDDER, [text(number)], deadline=Deadline.after(20), lane=Lane.INTERACTIVE)


async def embed_all(client: OllamaClient, numbers: range, *, callers: int) -> list[Vectors | BaseException]:
    """Return what each got, in their order, with so many at once."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(callers) as threads:
        calls = [loop.run_in_executor(threads, embed, client, number) for number in numbers]
        return await asyncio.gather(*calls, return_exceptions=True)


def test_all_come_back_in_their_places_and_the_host_gets_no_more_than_it_may(
    make_standin: Callable[[], StandIn], make_client: Callable[..., OllamaClient]
) -> None:
    standin = make_standin()
    client = make_client(standin.url)
    numbers = range(5 * CALLERS)
    found = asyncio.run(embed_all(client, numbers, callers=CALLERS))
    state = standin.state()
    assert state["embedded_texts"] == len(numbers), "each was asked for once"
    assert 1 < state["max_embeds"] <= SLOTS
    alone = [embed(client, number) for number in (0, 17, 99)]
    assert [found[0], found[17], found[99]] == alone
    assert len({str(vectors) for vectors in found}) == len(numbers), "nobody got another's"


def test_connections_are_no_more_than_calls_at_once_and_the_next_wave_opens_none(
    server: ScriptedOllama, make_client: Callable[..., OllamaClient]
) -> None:
    server.plays["/api/embed"] = lambda request: [0.01, embed_reply(request)]
    client = make_client(server)
    asyncio.run(embed_all(client, range(2 * CALLERS), callers=CALLERS))
    opened = server.connections
    assert 1 < opened <= SLOTS + 1, "one more asks for the list of models"
    asyncio.run(embed_all(client, range(2 * CALLERS), callers=CALLERS))
    assert server.count("/api/embed") == 4 * CALLERS
    assert server.most_active <= SLOTS + 1
    assert server.connections <= max(opened, SLOTS + 1)


def test_every_host_has_its_own_bound(
    make_standin: Callable[[], StandIn], make_client: Callable[..., OllamaClient]
) -> None:
    standins = [make_standin(), make_standin()]
    client = make_client(*(standin.url for standin in standins))
    found = asyncio.run(embed_all(client, range(4 * CALLERS), callers=CALLERS))
    assert not [error for error in found if isinstance(error, BaseException)]
    states = [standin.state() for standin in standins]
    assert sum(state["embedded_texts"] for state in states) == 4 * CALLERS
    for state in states:
        assert state["embedded_texts"] > 0, "the second helps while the first is full"
        assert state["max_embeds"] <= SLOTS


def test_who_would_wait_too_long_is_told_so_at_once_and_the_others_get_theirs(
    make_standin: Callable[[], StandIn], make_client: Callable[..., OllamaClient]
) -> None:
    standin = make_standin()
    standin.set(embed_seconds=0.2)
    client = make_client(standin.url)
    embed(client, 0)
    found = asyncio.run(embed_all(client, range(3 * CALLERS), callers=3 * CALLERS))
    refused = [error for error in found if isinstance(error, BaseException)]
    assert refused
    assert all(isinstance(error, OllamaBusy) and error.retry_after_seconds for error in refused)
    assert len(found) - len(refused) >= CALLERS
    assert standin.state()["max_embeds"] <= SLOTS
    assert client.states()[0].in_flight == 0
    standin.set(embed_seconds=0.0)
    assert len(embed(client, 1)) == 1, "afterwards there is room again"
    assert client.get_circuit_state("embed")["failure_count"] == 0
