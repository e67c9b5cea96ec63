"""Slots and lanes: who goes first, who is told at once to come back later, and that every slot comes back."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from ragsite.deadline import Deadline
from ragsite.errors import OllamaBusy, OllamaError
from ragsite.ollama import Lane, OllamaClient
from ragsite.ollama.admission import WAITING_PER_SLOT, Gate, Ticket
from ragsite.ollama.values import Tick

from .conftest import ask, embed, next_of
from .scripted import HANG, STREAM_HEAD, ScriptedOllama, Step, always, embed_reply, token, wait_until

SOON = Deadline.after


@pytest.fixture
def one_slot(settings: Settings) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 1


def join(gate: Gate, lane: Lane = Lane.INTERACTIVE, seconds: float = 60.0) -> Ticket:
    return gate.join("embed", lane, SOON(seconds))


def has_slot(ticket: Ticket) -> bool:
    return ticket.wait(0)


@pytest.mark.usefixtures("one_slot")
def test_readers_go_before_batches_and_batches_before_indexing_and_each_lane_is_a_queue() -> None:
    gate = Gate()
    holder = join(gate)
    waiting = [
        join(gate, lane)
        for lane in (Lane.INDEXING, Lane.BATCH, Lane.INTERACTIVE, Lane.INDEXING, Lane.BATCH, Lane.INTERACTIVE)
    ]
    order = []
    holder.__exit__(None, None, None)
    for _turn in waiting:
        granted = [number for number, ticket in enumerate(waiting) if has_slot(ticket) and number not in order]
        assert len(granted) == 1
        order += granted
        waiting[granted[0]].__exit__(None, None, None)
    assert order == [2, 5, 1, 4, 0, 3]
    assert gate.in_flight == gate.waiting == 0


@pytest.mark.usefixtures("one_slot")
def test_who_gives_up_waiting_leaves_the_queue_and_keeps_no_slot() -> None:
    gate = Gate()
    with join(gate):
        with join(gate) as impatient:
            assert not has_slot(impatient)
        assert gate.waiting == 0
        behind = join(gate)
    with behind:
        assert has_slot(behind)
    assert gate.in_flight == 0


@pytest.mark.usefixtures("one_slot")
def test_a_slot_granted_to_somebody_who_gives_up_at_that_moment_goes_on_to_the_next() -> None:
    gate = Gate()
    holder = join(gate)
    leaving, behind = join(gate), join(gate)
    holder.__exit__(None, None, None)  # grants to `leaving`, who hasn't looked yet
    leaving.__exit__(None, None, None)
    assert has_slot(behind)
    leaving.__exit__(None, None, None)  # a second time is nothing
    assert gate.in_flight == 1


@pytest.mark.usefixtures("one_slot")
def test_a_wait_that_is_longer_than_the_deadline_is_refused_at_once() -> None:
    gate = Gate()
    with join(gate):
        time.sleep(0.2)
    slot_seconds = gate._slot_time.or_zero()  # what a machine makes of 0.2
    with join(gate), join(gate, seconds=60):
        deadline = SOON(1.5 * slot_seconds)  # the second in the queue waits for two slots
        with pytest.raises(OllamaBusy) as refused:
            gate.join("embed", Lane.INTERACTIVE, deadline)
        assert deadline.remaining() > 0
        assert refused.value.retry_after_seconds == max(1.0, 2 * slot_seconds)
        join(gate, Lane.INTERACTIVE, seconds=2.5 * slot_seconds).__exit__(None, None, None)


@pytest.mark.usefixtures("one_slot")
def test_the_call_itself_must_fit_into_the_deadline_too() -> None:
    gate = Gate()
    gate.note_call_time("embed", 5.0)
    with join(gate):
        with pytest.raises(OllamaBusy):
            join(gate, seconds=4.0)
        join(gate, seconds=6.0).__exit__(None, None, None)
    join(gate, seconds=4.0).__exit__(None, None, None)  # without a wait it may try


@pytest.mark.usefixtures("one_slot")
def test_the_queue_is_bounded_and_each_lane_has_its_own_bound() -> None:
    gate = Gate()
    with join(gate):
        crowd = [join(gate, Lane.INDEXING) for _place in range(WAITING_PER_SLOT)]
        with pytest.raises(OllamaBusy):
            join(gate, Lane.INDEXING)
        assert not gate.has_room(Lane.INDEXING)
        assert gate.has_room(Lane.INTERACTIVE)
        reader = join(gate, Lane.INTERACTIVE)
    assert has_slot(reader)
    for ticket in [reader, *crowd]:
        ticket.__exit__(None, None, None)
    assert gate.in_flight == gate.waiting == 0


def test_slots_survive_any_mixture_of_waiting_working_and_giving_up(settings: Settings) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 3
    gate = Gate()
    working = most = 0
    lock = threading.Lock()

    def call(seed: int) -> None:
        nonlocal working, most
        chance = random.Random(seed)
        for _call in range(40):
            try:
                with gate.join("embed", chance.choice(list(Lane)), SOON(5)) as ticket:
                    if ticket.wait(chance.uniform(0, 0.004)):
                        with lock:
                            working += 1
                            most = max(most, working)
                        time.sleep(chance.uniform(0, 0.001))
                        with lock:
                            working -= 1
            except OllamaBusy:
                pass

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(16)))
    assert most == 3
    assert gate.in_flight == gate.waiting == 0


# Through the client


def test_no_more_calls_than_allowed_reach_the_host_at_once(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 3
    server.plays["/api/embed"] = lambda request: [0.05, embed_reply(request)]
    with ThreadPoolExecutor(12) as pool:
        assert len(list(pool.map(lambda _number: embed(client), range(12)))) == 12
    assert server.most_active == 3


@pytest.mark.usefixtures("one_slot")
def test_a_reader_who_waits_gets_ticks_and_nobody_waits_past_the_deadline(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_TOKEN_TIMEOUT_SECONDS = 30.0
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    holder = ask(client)
    next_of(holder)
    started = time.monotonic()
    got = []
    with pytest.raises(OllamaBusy):
        for item in ask(client, seconds=1.0):
            got.append(item)
    assert got.count(Tick()) >= 3
    assert time.monotonic() - started < 10
    assert server.count("/api/chat") == 1
    assert client.get_circuit_state("generate")["failure_count"] == 0
    holder.close()
    assert client.states()[0].in_flight == 0


@pytest.mark.usefixtures("one_slot")
def test_a_reader_who_leaves_while_waiting_frees_the_place(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    holder, waiting = ask(client), ask(client)
    next_of(holder)
    assert isinstance(next(waiting), Tick)
    assert client.states()[0].waiting == 1
    waiting.close()
    assert client.states()[0].waiting == 0
    holder.close()


@pytest.mark.usefixtures("one_slot")
@pytest.mark.usefixtures("short_times")
def test_slots_come_back_after_every_kind_of_failure(client: OllamaClient, server: ScriptedOllama) -> None:
    plays: list[list[Step]] = [[HANG], ["reset"], [b"nonsense\r\n"], [STREAM_HEAD, token("a"), "close"]]
    for steps in plays:
        server.plays["/api/chat"] = always(steps)
        with pytest.raises(OllamaError):
            list(ask(client))
        assert client.states()[0].in_flight == 0


def test_a_full_host_is_not_waited_for_while_another_has_room(
    make_server: Callable[..., ScriptedOllama], make_client: Callable[..., OllamaClient], settings: Settings
) -> None:
    settings.OLLAMA_MAX_CONCURRENCY = 1
    first, second = make_server(), make_server()
    client = make_client(first, second)
    first.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    holder = ask(client)
    next_of(holder)
    client.hosts[0].gate.note_call_time("embed", 50.0)
    assert embed(client, seconds=5)
    assert (first.count("/api/embed"), second.count("/api/embed")) == (0, 1)
    holder.close()
    assert wait_until(lambda: first.active == 0)
