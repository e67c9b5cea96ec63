"""More work than a host can do: it is full and not dead, gets less at once, and goes on answering."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from monitoring.lab.ollama_simulator import StandIn
from ragsite.deadline import Deadline
from ragsite.errors import OllamaBusy, OllamaError, OllamaTimeout
from ragsite.ollama import Finished, Lane, OllamaClient
from ragsite.ollama.admission import SHRINK_EVERY_SECONDS, Gate
from ragsite.ollama.values import Token

from .conftest import ask, next_of, read
from .scripted import HANG, STREAM_HEAD, ScriptedOllama, Step, answer, token

SOON = Deadline.after


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(tokens=10, tokens_per_second=100, num_parallel=4) as running:  # 40 answers a second
        yield running


def test_a_gate_shrinks_to_half_of_what_is_used_once_a_second_and_never_below_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 64
    gate = Gate()
    assert gate.capacity == 64
    tickets = [gate.join("generate", Lane.INTERACTIVE, SOON(60)) for _call in range(20)]
    assert gate.shrink()
    assert gate.shrink()  # of the same wave
    assert gate.capacity == 10
    monkeypatch.setattr("ragsite.ollama.admission.SHRINK_EVERY_SECONDS", 0.0)
    for _wave in range(10):
        gate.shrink()
    assert gate.capacity == 1
    assert not gate.shrink()
    for ticket in tickets:
        ticket.__exit__(None, None, None)
    assert not gate.shrink()  # nobody is there to be too many
    assert SHRINK_EVERY_SECONDS > 0


def test_a_gate_grows_by_one_slot_a_round_while_it_is_full_up_to_the_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 4
    monkeypatch.setattr("ragsite.ollama.admission.SHRINK_EVERY_SECONDS", 0.0)
    gate = Gate()
    tickets = [gate.join("generate", Lane.INTERACTIVE, SOON(60)) for _call in range(4)]
    gate.shrink()
    gate.shrink()
    assert gate.capacity == 1
    capacities = []
    for _answer in range(12):
        gate.grow()
        capacities.append(gate.capacity)
    assert capacities[0] == 2
    assert capacities[-1] == 4
    for ticket in tickets:
        ticket.__exit__(None, None, None)
    gate.grow()
    assert gate.capacity == 4


def test_a_call_that_got_nothing_while_others_were_served_says_full_and_not_dead(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    """One slot at the host: the second waits there, unseen, as Ollama lets it."""
    first_ends, turns = threading.Event(), iter([True])

    def one_at_a_time(request: object) -> Iterator[Step]:
        if next(turns, False):
            yield STREAM_HEAD
            while not first_ends.is_set():
                yield from (token("a"), 0.05)
            yield from answer("b")[1:]
        else:
            yield HANG

    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 1.5
    server.plays["/api/chat"] = one_at_a_time
    first = ask(client, seconds=60.0)
    reading = threading.Thread(target=lambda: list(first))
    assert isinstance(next_of(first), Token)
    reading.start()
    with pytest.raises(OllamaBusy) as caught:
        read(client)
    assert caught.value.retry_after_seconds
    assert client.get_circuit_state("generate")["failure_count"] == 0
    assert client.hosts[0].gate.capacity == 1
    first_ends.set()
    reading.join(20)
    with pytest.raises(OllamaTimeout):
        read(client)  # nobody else was served: now it is the host
    assert client.get_circuit_state("generate")["failure_count"] == 1


def outcomes_under_load(
    client: OllamaClient, callers: int, seconds: float, deadline_seconds: float
) -> tuple[Counter[str], float]:
    """Return outcomes and answers a second of so many callers, each asking again at once (or after a short refusal)."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()
    until = time.monotonic() + seconds

    def call() -> None:
        while time.monotonic() < until:
            messages = [{"role": "user", "content": "Say something."}]
            outcome = "answered"
            try:
                items = list(
                    client.generate("llama3.2:1b", messages, options={}, deadline=Deadline.after(deadline_seconds))
                )
                assert isinstance(items[-1], Finished)
            except OllamaError as error:
                outcome = type(error).__name__
                time.sleep(0.05)
            with lock:
                counts[outcome] += 1

    threads = [threading.Thread(target=call) for _caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, counts["answered"] / seconds


def test_at_many_times_its_capacity_a_host_goes_on_answering_and_no_circuit_opens(
    standin: StandIn, make_client: Callable[..., OllamaClient], settings: Settings
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 64
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 1.0
    settings.OLLAMA_TOKEN_TIMEOUT_SECONDS = 5.0
    client = make_client(standin.url)
    changes: list[object] = []
    client.subscribe(changes.append)

    def share_of_peak() -> float:
        _outcomes, peak = outcomes_under_load(client, callers=4, seconds=1.5, deadline_seconds=5)
        outcomes_under_load(client, callers=60, seconds=2.0, deadline_seconds=2.0)  # it learns what it can do
        outcomes, goodput = outcomes_under_load(client, callers=60, seconds=3.0, deadline_seconds=2.0)
        assert not changes
        assert set(outcomes) <= {"answered", "OllamaBusy", "OllamaTimeout"}
        return goodput / peak

    # Measured alone it is above 0.9. A machine may be busier while the crowd asks than before, but not each time.
    assert any(share_of_peak() > 0.6 for _ in range(3))
