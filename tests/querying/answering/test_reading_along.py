"""Readers of identical questions get the tokens of one generation as they come, and none of them owns it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus, Document
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import coalescing
from querying.answering import pipeline as answering_pipeline
from querying.answering import rungs as answering_rungs
from querying.answering.pipeline import answer_events, answer_question
from querying.models import AnswerClaim, CachedAnswer
from querying.types import HEARTBEAT, AnswerMode, Done, Event, Heartbeat, Meta, PassagesFound, Token, Written
from ragsite.errors import ShuttingDown
from tests.querying.answering.test_coalescing import done_of, followers, together, wait_until
from tests.querying.asking import ask, generations
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, CACHED, EXTRACTIVE = AnswerMode.GENERATED, AnswerMode.CACHED, AnswerMode.EXTRACTIVE


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def test_fifty_identical_streams_read_along_from_the_first_token(corpus: Corpus, standin: StandIn) -> None:
    """Every reader has text before the model has finished: the last of it comes only when all have some."""
    readers, has_text = 50, set[int]()
    standin.set(first_token_seconds=0.5)
    written = threading.Event()
    late = list[int]()
    write = answering_rungs.write_generated

    def write_and_wait(*args: Any) -> Any:
        """Write, and hold the end of the text back until all have read the beginning."""
        draft = yield from write(*args)
        give_up_at = time.monotonic() + 30
        while len(has_text) < readers and time.monotonic() < give_up_at:
            yield HEARTBEAT
            time.sleep(0.01)
        written.set()
        return draft

    def read(number: int) -> list[Event]:
        events = []
        for event in answer_events(ask(corpus, seconds=60)):
            events.append(event)
            if isinstance(event, Token) and number not in has_text:
                if written.is_set():
                    late.append(number)
                has_text.add(number)
        return events

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(answering_pipeline.WRITERS, GENERATED, write_and_wait)
        all_events = together(readers, read)
    assert generations(standin) == 1
    assert (len(has_text), late) == (readers, [])
    assert sorted(done_of(events).mode for events in all_events) == [CACHED] * (readers - 1) + [GENERATED]
    for events in all_events:
        kinds = [type(event) for event in events if not isinstance(event, Heartbeat | Token)]
        assert kinds == [Meta, PassagesFound, Written, Done]
        text = "".join(event.text for event in events if isinstance(event, Token))
        assert text.strip() == done_of(events).text


def test_who_comes_late_gets_the_text_so_far_at_once(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=20)
    leader = answer_events(ask(corpus, seconds=30))
    early = text_of(leader, tokens=5)
    follower = answer_events(ask(corpus, seconds=30))
    assert text_of(follower, tokens=5) == early  # nobody runs the model meanwhile: it is what was there
    assert followers() == 2
    rest = text_of(leader)
    assert text_of(follower) == rest
    assert generations(standin) == 1


def text_of(events: Iterator[Event], *, tokens: int | None = None) -> str:
    """Return the text of the next tokens, or of all that are left."""
    return "".join(event.text for event in islice((each for each in events if isinstance(each, Token)), tokens))


def test_a_follower_that_leaves_ends_nothing(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=40)
    leader, follower = (answer_events(ask(corpus, seconds=30)) for _ in range(2))
    text_of(leader, tokens=1)
    text_of(follower, tokens=1)
    follower.close()
    assert followers() == 1
    assert done_of(list(leader)).mode == GENERATED


def test_when_all_have_left_the_model_is_stopped(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=5)
    leader, follower = (answer_events(ask(corpus, seconds=30)) for _ in range(2))
    text_of(leader, tokens=1)
    text_of(follower, tokens=1)
    leader.close()
    text_of(follower, tokens=1)
    follower.close()
    wait_until(lambda: not any(runner["users"] for runner in standin.state()["loaded"].values()))
    assert (len(coalescing._single_flight), AnswerClaim.objects.count(), CachedAnswer.objects.count()) == (0, 0, 0)


def test_a_reader_that_does_not_read_delays_no_other(corpus: Corpus, standin: StandIn) -> None:
    leader = answer_events(ask(corpus, seconds=30))
    text_of(leader, tokens=1)  # and no more: its reader is slow
    answers = together(3, lambda _: answer_question(ask(corpus, seconds=30)))
    assert {answer.mode for answer in answers} == {CACHED}
    assert done_of(list(leader)).mode == GENERATED
    assert generations(standin) == 1


def test_a_failed_generation_raises_in_its_starter_and_is_repeated_for_the_others(
    corpus: Corpus, standin: StandIn
) -> None:
    write = answering_rungs.write_generated
    calls = list[int]()

    def fail_first(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            yield Token("Some text that ")
            while followers() < 5:
                yield HEARTBEAT
                time.sleep(0.01)
            raise ZeroDivisionError
        return (yield from write(*args))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(answering_pipeline.WRITERS, GENERATED, fail_first)
        outcomes = together(5, lambda _: list(answer_events(ask(corpus, seconds=30))))
    failed = [each for each in outcomes if isinstance(each, Exception)]
    assert [type(each) for each in failed] == [ZeroDivisionError]
    assert sorted(done_of(each).mode for each in outcomes if each not in failed) == [CACHED] * 3 + [GENERATED]
    assert len(calls) == 2
    assert len(coalescing._single_flight) == 0


def test_a_follower_with_less_time_leaves_for_a_lower_rung(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=2)
    leader = answer_events(ask(corpus, seconds=30))
    text_of(leader, tokens=1)
    asked = ask(corpus, seconds=3)
    events = list(answer_events(asked))
    assert asked.deadline.remaining() > 0
    assert isinstance(next(event for event in events if isinstance(event, Token)), Token)
    assert (done_of(events).mode, done_of(events).degraded) == (EXTRACTIVE, True)
    leader.close()


def test_at_shutdown_all_readers_get_what_is_quoted_then(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=5)
    leader, follower = (answer_events(ask(corpus, seconds=30)) for _ in range(2))
    text_of(leader, tokens=1)
    text_of(follower, tokens=1)
    streams = (leader, follower)
    first = [stream.throw(ShuttingDown(retry_after_seconds=1)) for stream in streams]  # each is told by its own reply
    for event, stream in zip(first, streams, strict=True):
        answer = done_of([event, *stream])
        assert "shutting_down" in {reason.code for reason in answer.reasons}
    assert generations(standin) == 1


def test_readers_with_other_rights_share_nothing(corpus: Corpus, standin: StandIn) -> None:
    """With a closed document, readers with and without access to it don't share a flight."""
    standin.set(first_token_seconds=0.5, num_parallel=4)
    operator = Principal(User.objects.create(username="operator", is_superuser=True))
    Document.objects.exclude(title="handbook").get().readers.add(Group.objects.create(name="staff"))
    principals = [NOBODY, operator]
    answers = together(4, lambda number: answer_question(ask(corpus, seconds=30, principal=principals[number % 2])))
    assert generations(standin) == 2
    assert sorted(answer.mode for answer in answers) == [CACHED] * 2 + [GENERATED] * 2
