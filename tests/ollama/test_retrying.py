"""At most one retry, before the first token, elsewhere if possible, and never more than a tenth of all requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from ragsite.errors import OllamaBusy, OllamaError, OllamaTimeout, OllamaUnavailable
from ragsite.ollama import OllamaClient, retrying
from ragsite.ollama.retrying import RetryBudget

from .conftest import ask, embed, next_of, read
from .scripted import HANG, STREAM_HEAD, Request, ScriptedOllama, Step, answer, embed_reply, reply, token

BOOM = reply({"error": "model runner has unexpectedly stopped"}, 500)
CRASH = reply({"error": 'do embedding request: Post "http://127.0.0.1:1/v1/embeddings": EOF'}, 400)
BUSY = reply({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503)
MakeServer = Callable[..., ScriptedOllama]
MakeClient = Callable[..., OllamaClient]


def first_then(first: list[Step], play: Callable[[Request], list[Step]]) -> Callable[[Request], list[Step]]:
    turns: Iterator[bool] = iter([True])
    return lambda request: first if next(turns, False) else play(request)


@pytest.mark.parametrize("failure", [[CRASH], [BOOM], ["reset"], ["close"], [b"nonsense\r\n"], [reply({})]])
def test_a_failure_is_asked_again_once_and_the_caller_notices_nothing(
    failure: list[Step], client: OllamaClient, server: ScriptedOllama
) -> None:
    before = REGISTRY.get_sample_value("ollama_retries_total", {"operation": "embed"}) or 0
    server.plays["/api/embed"] = first_then(failure, lambda request: [embed_reply(request)])
    assert embed(client)
    assert server.count("/api/embed") == 2
    assert REGISTRY.get_sample_value("ollama_retries_total", {"operation": "embed"}) == before + 1


def test_a_stream_that_fails_before_its_first_token_is_asked_again(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = first_then([STREAM_HEAD, "close"], lambda request: answer("well"))
    assert read(client)[0] == "well"


def test_it_is_never_asked_a_third_time_whatever_was_saved_up(
    client: OllamaClient, server: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetryBudget, "take", lambda budget: True)
    server.plays["/api/embed"] = lambda request: [BOOM]
    with pytest.raises(OllamaUnavailable):
        embed(client)
    assert server.count("/api/embed") == 2


def test_after_the_first_token_nothing_is_asked_again(make_server: MakeServer, make_client: MakeClient) -> None:
    first, second = make_server(), make_server()
    first.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), "close"]
    stream = ask(make_client(first, second))
    next_of(stream)
    with pytest.raises(OllamaUnavailable):
        list(stream)
    assert (first.count("/api/chat"), second.count("/api/chat")) == (1, 0)


@pytest.mark.parametrize("failure", [[BOOM], [HANG], [BUSY], ["reset"]])
def test_the_retry_goes_to_another_host_if_there_is_one(
    failure: list[Step], make_server: MakeServer, make_client: MakeClient, settings: Settings
) -> None:
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 0.5 if failure == [HANG] else settings.OLLAMA_EMBED_TIMEOUT_SECONDS
    first, second = make_server(), make_server()
    first.plays["/api/embed"] = lambda request: failure
    assert embed(make_client(first, second))
    assert (first.count("/api/embed"), second.count("/api/embed")) == (1, 1)


def test_a_busy_host_alone_is_not_asked_again(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [BUSY]
    with pytest.raises(OllamaBusy) as caught:
        embed(client)
    assert server.count("/api/embed") == 1
    assert caught.value.retry_after_seconds


@pytest.mark.parametrize(
    "refusal",
    [
        reply({"error": "the input length exceeds the context length"}, 400),
        reply({"error": "invalid input type"}, 400),
        reply({"error": 'option "num_ctx" must be of type integer'}, 500),
    ],
)
def test_a_request_that_is_wrong_is_wrong_everywhere(
    refusal: bytes, make_server: MakeServer, make_client: MakeClient
) -> None:
    first, second = make_server(), make_server()
    first.plays["/api/embed"] = lambda request: [refusal]
    with pytest.raises(OllamaError):
        embed(make_client(first, second))
    assert (first.count("/api/embed"), second.count("/api/embed")) == (1, 0)


@pytest.mark.usefixtures("short_times")
def test_a_host_that_is_too_slow_is_not_given_the_same_work_again(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/embed"] = lambda request: [HANG]
    with pytest.raises(OllamaTimeout):
        embed(client)
    assert server.count("/api/embed") == 1


def test_there_is_no_retry_after_the_deadline(
    make_server: MakeServer, make_client: MakeClient, settings: Settings
) -> None:
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 10.0
    first, second = make_server(), make_server()
    first.plays["/api/embed"] = lambda request: [HANG]
    with pytest.raises(OllamaTimeout):
        embed(make_client(first, second), seconds=0.2)
    assert second.count("/api/embed") == 0


def test_retries_are_a_tenth_of_all_requests_at_most(
    client: OllamaClient, server: ScriptedOllama, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    monkeypatch.setattr(retrying, "BACKOFF_SECONDS", 0.0)
    server.plays["/api/embed"] = lambda request: [BOOM]
    for _call in range(300):
        with pytest.raises(OllamaUnavailable):
            embed(client)
    assert 300 < server.count("/api/embed") <= 330 + 2


def test_a_lone_request_may_be_asked_again_though_nobody_paid_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ragsite.ollama.retrying.time.monotonic", lambda: now)
    budget = RetryBudget()
    granted = 0
    for _minute in range(5):
        now += 60.0
        budget.note_request()
        granted += budget.take()
    assert granted == 5
    assert not budget.take()  # but not twice at once


def test_what_was_saved_up_is_bounded() -> None:
    budget = RetryBudget()
    for _request in range(10_000):
        budget.note_request()
    assert sum(budget.take() for _retry in range(1000)) <= retrying.BURST + 1
