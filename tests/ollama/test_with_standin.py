"""End to end against the stand-in, which speaks as Ollama does, in its states and its faults."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as current
from pytest_django import Settings

from monitoring.lab.ollama_simulator import StandIn
from ragsite.deadline import Deadline
from ragsite.errors import (
    BrokenReply,
    CircuitOpen,
    ModelInputTooLong,
    ModelNotFound,
    OllamaBusy,
    OllamaError,
    OllamaMisconfigured,
    OllamaTimeout,
    OllamaUnavailable,
)
from ragsite.ollama import Finished, OllamaClient, Tick, Token

from .scripted import wait_until

LLM, EMBEDDER = "llama3.2:1b", "nomic-embed-text"


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture
def client(standin: StandIn, make_client: Callable[..., OllamaClient]) -> OllamaClient:
    return make_client(standin.url)


def embed(client: OllamaClient, *texts: str, model: str = EMBEDDER) -> list[list[float]]:
    return client.embed(model, list(texts) or ["a text"], deadline=Deadline.after(10))


def ask(
    client: OllamaClient, content: str = "Say something.", model: str = LLM
) -> Generator[Token | Tick | Finished, None, None]:
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": content}]
    return client.generate(model, messages, options={"num_predict": 50}, deadline=Deadline.after(10))


def test_the_whole_way(client: OllamaClient, standin: StandIn) -> None:
    vectors = embed(client, "the cat", "the dog", "")
    assert [len(vector) for vector in vectors] == [768, 768, 768]
    items = list(ask(client))
    assert isinstance(items[-1], Finished)
    assert "".join(item.text for item in items if isinstance(item, Token)).strip()
    assert items[-1].prompt_tokens > 0
    assert not items[-1].context_truncated
    assert set(client.tags()) >= {f"{EMBEDDER}:latest", LLM}
    assert client.show(EMBEDDER).dimensions == 768
    assert client.show(EMBEDDER).context_length == 2048
    assert "embedding" in client.show(EMBEDDER).capabilities
    assert standin.state()["max_connections"] == 1


@pytest.mark.parametrize(
    ("fault", "limits", "kind"),
    [
        ("reset", {}, OllamaUnavailable),
        ("hang", {}, OllamaTimeout),
        ("error", {"status": 500, "message": "boom"}, OllamaUnavailable),
        ("busy", {}, OllamaBusy),
        ("missing", {}, ModelNotFound),
        ("html", {}, OllamaMisconfigured),
        ("html", {"status": 502}, OllamaUnavailable),
        ("gzip_bomb", {"bytes": 50_000_000}, BrokenReply),
        ("huge_line", {"bytes": 10_000_000}, BrokenReply),
        ("slow_headers", {"seconds": 0.1}, OllamaTimeout),
        ("crash", {}, OllamaUnavailable),
        ("too_few_vectors", {}, BrokenReply),
        ("nan_vectors", {}, BrokenReply),
        ("nan_refused", {}, OllamaUnavailable),
        ("zero_vectors", {}, BrokenReply),
        ("slow_first_token", {}, OllamaTimeout),
        ("slow_tokens", {}, OllamaTimeout),
        ("cut", {"after": 1}, OllamaUnavailable),
        ("error_line", {"after": 1}, OllamaUnavailable),
        ("no_done", {}, BrokenReply),
    ],
)
def test_every_fault_becomes_one_of_our_errors_and_is_over_when_it_is_healed(
    fault: str,
    limits: dict[str, object],
    kind: type[OllamaError],
    client: OllamaClient,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for_embedding = "vector" in fault or "nan" in fault
    for_generation = fault in ("slow_first_token", "slow_tokens", "cut", "error_line", "no_done")
    standin.fail(fault, **limits)
    with monkeypatch.context() as patch:
        if kind is OllamaTimeout:  # what is healed may take its time, also on a busy machine
            for name in ("EMBED", "FIRST_TOKEN", "TOKEN"):
                patch.setattr(current, f"OLLAMA_{name}_TIMEOUT_SECONDS", 0.5)
        if not for_generation:
            with pytest.raises(OllamaError) as caught:
                embed(client)
            assert isinstance(caught.value, kind), caught.value
        if not for_embedding:
            with pytest.raises(OllamaError) as caught:
                list(ask(client))
            assert isinstance(caught.value, kind), caught.value
    standin.heal()
    assert wait_until(lambda: client.can("generate", LLM) and client.can("embed", EMBEDDER))
    assert embed(client)
    assert isinstance(list(ask(client))[-1], Finished)
    assert client.states()[0].in_flight == 0


def test_a_prompt_that_was_cut_silently_is_noticed(client: OllamaClient, standin: StandIn, settings: Settings) -> None:
    settings.OLLAMA_NUM_CTX = 640  # the stand-in keeps half of it
    passages = "The river rose and the bridge was closed to all traffic. " * 40
    standin.fail("truncate_context")
    finished = list(ask(client, passages))[-1]
    assert isinstance(finished, Finished)
    assert finished.context_truncated


def test_the_wrong_kind_of_model_and_a_prompt_too_long_are_said_in_words(
    client: OllamaClient, settings: Settings
) -> None:
    with pytest.raises(OllamaMisconfigured, match="embed"):
        embed(client, model=LLM)
    with pytest.raises(OllamaMisconfigured, match="does not support"):
        list(ask(client, model=EMBEDDER))
    settings.OLLAMA_NUM_CTX = 64
    with pytest.raises(ModelInputTooLong):
        list(ask(client, "word " * 1000))
    with pytest.raises(ModelNotFound, match="ollama pull nothing"):
        embed(client, model="nothing")


def test_embedding_and_asking_load_each_model_once(client: OllamaClient, standin: StandIn) -> None:
    for _turn in range(3):
        embed(client)
        list(ask(client))
    assert set(standin.state()["loads"].values()) == {1}


def test_a_host_that_is_killed_and_started_again_is_used_again_soon(client: OllamaClient, standin: StandIn) -> None:
    assert embed(client)
    standin.stop()
    for _call in range(8):
        with pytest.raises(OllamaUnavailable):
            embed(client)
    with pytest.raises(CircuitOpen):
        embed(client)
    standin.start()
    assert wait_until(lambda: client.can("embed"))
    assert embed(client)


def test_readers_who_leave_free_the_model_and_open_nothing(client: OllamaClient, standin: StandIn) -> None:
    standin.set(tokens_per_second=20, tokens=200, num_parallel=30)
    for _reader in range(30):
        stream = ask(client)
        while not isinstance(next(stream), Token):
            pass
        stream.close()
    assert client.get_circuit_state("generate")["failure_count"] == 0
    assert wait_until(lambda: standin.state()["active_generations"] == 0)


@pytest.mark.usefixtures("short_times")
def test_the_wedge_after_a_hang_up_is_freed(
    client: OllamaClient, standin: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    assert isinstance(list(ask(client))[-1], Finished)
    standin.control({"stick": LLM})
    until = time.monotonic() + 20
    freed = False
    while not freed and time.monotonic() < until:
        with contextlib.suppress(OllamaTimeout):
            freed = isinstance(list(ask(client))[-1], Finished)
    assert freed


def test_a_warm_model_serves_many_at_once_without_a_failure(client: OllamaClient, standin: StandIn) -> None:
    standin.set(tokens_per_second=500, tokens=40, num_parallel=40)
    with ThreadPoolExecutor(40) as pool:
        ends = list(pool.map(lambda number: list(ask(client, f"question {number}"))[-1], range(80)))
    assert all(isinstance(end, Finished) and end.answer_tokens == 40 for end in ends)
    assert standin.state()["max_generations"] > 20
