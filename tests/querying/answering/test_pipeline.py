"""A question from request to answer: answered, streamed, recorded; the connection is released."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from prometheus_client import REGISTRY
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import pipeline as answering_pipeline
from querying.answering.pipeline import answer_events, answer_question
from querying.models import QueryLog
from querying.types import AnswerMode, Done, Heartbeat, Meta, PassagesFound, Question, Token, Written
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, DeadlineExceeded, InvalidInput
from ragsite.postgres.pool_stats import pool_stats
from ragsite.postgres.thread_connection import release_connection
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
HANGS_SECONDS = 20.0


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def ask(corpus: Corpus, question: str = QUESTION, *, seconds: float = 10, **options: Any) -> Question:
    options = {"principal": NOBODY, **options}
    return Question(text=question, corpora=(corpus,), deadline=Deadline.after(seconds), **options)


def test_a_question_is_answered_from_the_documents_and_recorded(corpus: Corpus) -> None:
    user = make_user()
    asked = ask(corpus, principal=Principal.of(user))
    answer = answer_question(asked)
    assert answer.mode == AnswerMode.EXTRACTIVE
    assert "25 days" in answer.text
    assert answer.passages[0].document_title == "handbook"
    log = QueryLog.objects.get()
    assert log.pk == answer.id == asked.id
    assert (log.user, log.corpora, log.question) == (user, ["handbook"], QUESTION)
    assert (log.answer_mode, log.outcome, log.degraded_reasons) == ("extractive", "done", [])
    assert log.passages == len(answer.passages)
    assert log.timings_ms["total"] == answer.timings_ms["total"]
    assert log.total_ms >= log.timings_ms["total"]


def test_the_events_of_a_stream_come_in_order_and_end_with_the_whole_answer(corpus: Corpus, standin: StandIn) -> None:
    events = list(answer_events(ask(corpus)))
    kinds = [type(event) for event in events if not isinstance(event, Heartbeat)]
    assert kinds[:2] == [Meta, PassagesFound]
    assert set(kinds[2:-2]) == {Token}
    assert kinds[-2:] == [Written, Done]
    meta, done = events[0], events[-1]
    assert isinstance(meta, Meta)
    assert isinstance(done, Done)
    assert meta.mode == done.answer.mode == AnswerMode.GENERATED
    assert meta.id == done.answer.id
    assert meta.corpora == ("handbook",)
    streamed = "".join(event.text for event in events if isinstance(event, Token))
    assert streamed.strip() == done.answer.text
    assert QueryLog.objects.get().model == "llama3.2:1b"


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_questions_are_counted_and_timed(corpus: Corpus, standin: StandIn) -> None:
    def counts() -> list[float]:
        return [
            sample("queries_total", mode="generated", outcome="done"),
            sample("query_duration_seconds_count", mode="generated"),
            sample("query_first_token_seconds_count"),
            sample("rag_stage_seconds_count", stage="generate"),
        ]

    before = counts()
    answer_question(ask(corpus, use_cache=False))
    list(answer_events(ask(corpus, use_cache=False)))
    assert [after - earlier for after, earlier in zip(counts(), before, strict=True)] == [2, 2, 2, 2]


def test_no_connection_is_held_while_the_model_works(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=50, tokens=20)
    release_connection()
    held = [pool_stats().in_use for event in answer_events(ask(corpus)) if isinstance(event, Token)]
    assert held
    assert set(held) == {0}
    assert pool_stats().in_use == 0


def test_no_connection_is_held_while_a_whole_answer_is_made(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=50, tokens=20)
    asked = ask(corpus)
    held: list[int] = []
    done = threading.Event()

    def works() -> bool:
        return any(runner["users"] for runner in standin.state()["loaded"].values())

    def watch() -> None:
        while not done.wait(0.02):
            # At work before and after: a look that comes late sees the connection that records the answer.
            if works() and (in_use := pool_stats().in_use, works())[1]:
                held.append(in_use)

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer_question(asked)
    done.set()
    watcher.join()
    assert held
    assert set(held) == {0}


def test_inside_a_transaction_the_connection_is_not_given_back(corpus: Corpus) -> None:
    with pytest.raises(AssertionError, match="inside a transaction"), transaction.atomic():
        release_connection()
    release_connection()
    assert connection.connection is None


@pytest.fixture
def search_ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A search that fails when it is let, and hangs until then."""
    ends = threading.Event()

    def search(asked: Question) -> None:
        release_connection()  # or it would be missing in the tests that follow
        ends.wait(HANGS_SECONDS)
        raise DatabaseUnavailable

    monkeypatch.setattr(answering_pipeline, "search", search)
    yield ends
    ends.set()


def test_a_slow_search_gives_signs_of_life(corpus: Corpus, search_ends: threading.Event, settings: Settings) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 0.05
    beats = 0
    with pytest.raises(DatabaseUnavailable):
        for event in answer_events(ask(corpus)):
            beats += isinstance(event, Heartbeat)
            if beats == 3:
                search_ends.set()


def test_a_search_that_hangs_ends_with_the_deadline(
    corpus: Corpus, search_ends: threading.Event, settings: Settings
) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 0.05
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        list(answer_events(ask(corpus, seconds=0.3)))
    assert time.monotonic() - started < HANGS_SECONDS / 2


def test_the_thread_beside_a_stream_gives_its_connection_back(corpus: Corpus) -> None:
    size = pool_stats().pool_size
    for _ in range(2 * size):
        list(answer_events(ask(corpus)))
    release_connection()
    assert pool_stats().in_use == 0


def test_a_disconnected_reader_is_recorded_as_client_left(corpus: Corpus, standin: StandIn) -> None:
    standin.set(tokens_per_second=20, tokens=1000)
    events = answer_events(ask(corpus))
    while not isinstance(next(events), Token):
        pass
    events.close()
    assert QueryLog.objects.get().outcome == "client_left"
    assert pool_stats().in_use <= 1


def test_a_reader_that_disconnects_after_the_last_event_counts_as_answered(corpus: Corpus) -> None:
    events = answer_events(ask(corpus))
    while not isinstance(next(events), Done):
        pass
    events.close()
    assert QueryLog.objects.get().outcome == "done"


def test_an_error_is_recorded_and_raised(corpus: Corpus) -> None:
    with pytest.raises(InvalidInput):
        answer_question(ask(corpus, filters={"colour": "red"}))
    log = QueryLog.objects.get()
    assert (log.outcome, log.answer_mode) == ("error", "")


def test_that_recording_fails_never_fails_the_answer(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def save(self: QueryLog, **options: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(QueryLog, "save", save)
    answer = answer_question(ask(corpus, "Secret question about paid leave?"))
    assert answer.text
    assert "not recorded" in caplog.text
    assert "Secret" not in caplog.text


def test_a_question_that_utf_8_can_not_hold_is_answered(corpus: Corpus) -> None:
    assert answer_question(ask(corpus, "paid leave \ud800?")).text


def test_the_questions_text_is_not_logged(corpus: Corpus, standin: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    standin.fail("reset")
    list(answer_events(ask(corpus, "Is the zorblax days leave of employees paid?")))
    assert "zorblax" not in caplog.text
    assert "25 days" not in caplog.text


def test_when_no_leg_works_there_is_no_answer(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("querying.retrieval.pipeline.rank", broken)
    with pytest.raises(DatabaseUnavailable) as caught:
        answer_question(ask(corpus))
    assert caught.value.retry_after_seconds
