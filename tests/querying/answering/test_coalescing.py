"""Concurrent identical questions cost one answer; a leader that fails or leaves is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import claims, coalescing
from querying.answering import pipeline as answering_pipeline
from querying.answering.pipeline import answer_events, answer_question
from querying.cachestore.memory import memory
from querying.caching.keys import keys_of
from querying.models import AnswerClaim, CachedAnswer
from querying.types import Answer, AnswerMode, Done, Event, Heartbeat, Question, Token
from ragsite.errors import DatabaseUnavailable
from ragsite.ollama import Lane
from tests.querying.asking import ask, generations
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, CACHED, EXTRACTIVE = AnswerMode.GENERATED, AnswerMode.CACHED, AnswerMode.EXTRACTIVE


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Return what `act` returns in as many threads at once; errors as values."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait()
        try:
            return act(number)
        except Exception as exc:
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.parametrize("knobs", [{"done_reason": "length"}, {"answers": "repeating"}])
def test_an_answer_that_the_model_itself_cut_is_shared_too(
    corpus: Corpus, standin: StandIn, knobs: dict[str, Any]
) -> None:
    standin.set(first_token_seconds=1.0, **knobs)
    answers = together(8, lambda _: answer_question(ask(corpus, seconds=30)))
    assert generations(standin) == 1
    assert {"answer_cut"} < {reason.code for answer in answers for reason in answer.reasons}
    assert len({answer.text for answer in answers}) == 1


def test_fifty_identical_questions_cost_one_generation(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=1.0)
    answers = together(50, lambda _: answer_question(ask(corpus, seconds=30)))
    assert generations(standin) == 1
    assert len({answer.text for answer in answers}) == 1
    assert sorted({answer.mode for answer in answers}) == [CACHED, GENERATED]
    assert len({answer.id for answer in answers}) == 50
    assert len(coalescing._single_flight) == 0
    assert not AnswerClaim.objects.exists()


def test_streams_share_too_and_show_signs_of_life(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=2.0)
    all_events: list[list[Event]] = together(10, lambda _: list(answer_events(ask(corpus, seconds=30))))
    assert generations(standin) == 1
    for events in all_events:
        done = events[-1]
        assert isinstance(done, Done)
        assert "".join(event.text for event in events if isinstance(event, Token)).strip() == done.answer.text
        assert sum(isinstance(event, Heartbeat) for event in events) >= 3


@pytest.mark.parametrize("is_streamed", [False, True])
def test_when_the_leader_leaves_the_others_get_the_whole_answer(
    corpus: Corpus, standin: StandIn, is_streamed: bool
) -> None:
    standin.set(first_token_seconds=1.0)
    leader = answer_events(ask(corpus, seconds=30))
    while not generations(standin):
        next(leader)
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(
            together, 10, lambda _: list(answer_events(ask(corpus, seconds=30), is_streamed=is_streamed))
        )
        wait_until(lambda: followers() == 11)
        leader.close()
        all_events = others.result()
    assert generations(standin) == 1
    assert {done_of(events).mode for events in all_events} == {CACHED}
    assert len({done_of(events).text for events in all_events}) == 1
    assert not AnswerClaim.objects.exists()
    assert CachedAnswer.objects.count() == 1


def done_of(events: list[Event]) -> Answer:
    done = events[-1]
    assert isinstance(done, Done)
    return done.answer


def followers() -> int:
    return coalescing._single_flight.members


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_leader_whose_search_fails_is_followed_by_one_that_works(
    corpus: Corpus, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[Question] = []
    search = answering_pipeline.search

    def fail_first(asked: Question) -> Any:
        searches.append(asked)
        if len(searches) == 1:
            wait_until(lambda: followers() == 10)
            raise DatabaseUnavailable
        return search(asked)

    monkeypatch.setattr(answering_pipeline, "search", fail_first)
    answers = together(10, lambda _: answer_question(ask(corpus, seconds=30)))
    assert sum(isinstance(answer, DatabaseUnavailable) for answer in answers) == 1
    assert sum(isinstance(answer, Answer) for answer in answers) == 9
    assert len(searches) == 2
    assert generations(standin) == 1


def test_when_the_model_fails_all_share_the_quoted_answer(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=1.0)
    standin.fail("error", operation="chat", seconds=60)
    answers = together(10, lambda _: answer_question(ask(corpus, seconds=30)))
    assert {answer.mode for answer in answers} == {EXTRACTIVE}
    assert all(answer.degraded for answer in answers)
    assert generations(standin) <= 4
    assert not CachedAnswer.objects.exists()


def test_who_has_little_time_does_not_wait_for_the_leader(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=5.0)
    with ThreadPoolExecutor(1) as beside:
        leader = beside.submit(together, 1, lambda _: answer_question(ask(corpus, seconds=30)))
        wait_until(lambda: generations(standin) == 1)
        asked = ask(corpus, seconds=3)
        answer = answer_question(asked)
        assert asked.deadline.remaining() > 0
        assert leader.result()[0].mode == GENERATED
    assert (answer.mode, answer.degraded) == (EXTRACTIVE, True)
    assert generations(standin) == 1


def test_the_poor_answer_of_a_leader_without_time_is_not_shared(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=3.0)
    with ThreadPoolExecutor(1) as beside:
        leader = beside.submit(together, 1, lambda _: answer_question(ask(corpus, seconds=2.6)))
        wait_until(lambda: generations(standin) == 1)
        answer = answer_question(ask(corpus, seconds=30))
        assert leader.result()[0].mode == EXTRACTIVE
    assert answer.mode == GENERATED


def test_an_interactive_question_does_not_wait_for_a_batch(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=2.0, num_parallel=4)
    with ThreadPoolExecutor(1) as beside:
        batch = beside.submit(together, 1, lambda _: answer_question(ask(corpus, seconds=30, lane=Lane.BATCH)))
        wait_until(AnswerClaim.objects.exists)
        AnswerClaim.objects.all().delete()
        answer = answer_question(ask(corpus, seconds=30))
        batch.result()
    assert answer.mode == GENERATED


def test_no_connection_is_held_while_waiting(corpus: Corpus, standin: StandIn) -> None:
    standin.set(first_token_seconds=1.5)

    def follow(_: int) -> bool:
        events = answer_events(ask(corpus, seconds=30))
        held = [connection.connection is not None for event in events if isinstance(event, Heartbeat)]
        return any(held) or not held

    assert not any(together(4, follow))


# Other processes


def test_a_claim_is_for_one_owner_until_it_is_released_or_old(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = uuid4(), uuid4()
    assert claims.take("key", one)
    assert claims.take("key", one)
    assert not claims.take("key", other)
    claims.release("key", other)
    assert not claims.take("key", other)
    claims.release("key", one)
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 0.05)
    assert claims.take("key", other)
    time.sleep(0.1)
    assert claims.take("key", one)


def test_of_many_only_one_gets_a_claim() -> None:
    assert sum(together(20, lambda _: claims.take("key", uuid4()))) == 1


def test_an_answer_that_another_process_makes_is_waited_for(corpus: Corpus, standin: StandIn) -> None:
    answer_question(ask(corpus))
    row = CachedAnswer.objects.get()
    CachedAnswer.objects.all().delete()
    memory().clear()
    owner = uuid4()
    key = keys_of(ask(corpus)).exact
    assert claims.take(key, owner)
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(together, 5, lambda _: answer_question(ask(corpus, seconds=30)))
        wait_until(lambda: followers() == 5)
        time.sleep(0.3)
        assert not waiting.done()
        CachedAnswer.objects.bulk_create([row])
        claims.release(key, owner)
        answers = waiting.result()
    assert {answer.mode for answer in answers} == {CACHED}
    assert generations(standin) == 1


def test_when_the_other_process_gives_up_one_here_makes_the_answer(corpus: Corpus, standin: StandIn) -> None:
    owner = uuid4()
    key = keys_of(ask(corpus)).exact
    assert claims.take(key, owner)
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(together, 5, lambda _: answer_question(ask(corpus, seconds=30)))
        wait_until(lambda: followers() == 5)
        claims.release(key, owner)
        answers = waiting.result()
    assert sorted(answer.mode for answer in answers) == [CACHED] * 4 + [GENERATED]
    assert generations(standin) == 1


def test_the_claim_of_a_process_that_died_expires(
    corpus: Corpus, standin: StandIn, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(claims, "CLAIM_SECONDS", 2.0)
    settings.STREAM_HEARTBEAT_SECONDS = 0.05
    assert claims.take(keys_of(ask(corpus)).exact, uuid4())
    events: Generator[Event, None, None] = answer_events(ask(corpus, seconds=30))
    seen = list(events)
    done = seen[-1]
    assert isinstance(done, Done)
    assert done.answer.mode == GENERATED
    assert sum(isinstance(event, Heartbeat) for event in seen) >= 2


def test_an_answer_that_another_process_finishes_just_now_is_found(
    corpus: Corpus, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_question(ask(corpus))
    row = CachedAnswer.objects.get()
    CachedAnswer.objects.all().delete()
    memory().clear()
    take = claims.take

    def take_after_the_other_is_done(key: str, owner: UUID) -> bool:
        CachedAnswer.objects.bulk_create([row])
        return take(key, owner)

    monkeypatch.setattr(claims, "take", take_after_the_other_is_done)
    assert answer_question(ask(corpus)).mode == CACHED
    assert generations(standin) == 1
