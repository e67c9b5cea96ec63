"""While one batch is stored, the model computes the next ones, and never more than two that are not stored."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from documents.indexing import versions
from documents.indexing.attempts import Interrupted, Superseded, restart
from documents.indexing.embedding_prefetch import CALLS_AHEAD, Pause, Texts, vectors_ahead
from documents.indexing.pipeline import index_document
from documents.models import Corpus, Document, EmbeddingSpace
from documents.uploads.acceptance import replace_file
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.errors import OllamaUnavailable
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload, vectors_of

BATCHES = [[str(number)] for number in range(6)]
CHUNKS = 40
CALL_CHUNKS = 8


def always() -> bool:
    return True


class Model:
    """Gives the number that is a text's, and notes which were begun."""

    def __init__(self) -> None:
        self.begun = [threading.Event() for _ in BATCHES]
        self.fails_at = -1

    def __call__(self, texts: Texts, keep_going: Callable[[], bool], pause: Pause) -> np.ndarray:
        number = int(texts[0])
        self.begun[number].set()
        if number == self.fails_at:
            raise ValueError("no")
        return np.array([number])


def ahead_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("embed-ahead")]


def test_vectors_come_in_order_and_two_batches_at_most_are_begun_and_not_done_with() -> None:
    model = Model()
    given = []
    with vectors_ahead(model, BATCHES, always) as vectors:
        for vector in vectors:
            given.append(int(vector[0]))
            for ahead in range(1, CALLS_AHEAD):
                if given[-1] + ahead < len(BATCHES):
                    assert model.begun[given[-1] + ahead].wait(10)
            assert not any(event.is_set() for event in model.begun[given[-1] + CALLS_AHEAD :])
    assert given == list(range(len(BATCHES)))
    assert ahead_threads() == []


def test_the_first_batches_are_begun_before_anybody_asks_for_them() -> None:
    model = Model()
    with vectors_ahead(model, BATCHES, always):
        assert all(event.wait(10) for event in model.begun[:CALLS_AHEAD])


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_or_none(count: int) -> None:
    with vectors_ahead(Model(), BATCHES[:count], always) as vectors:
        assert [int(vector[0]) for vector in vectors] == list(range(count))


def test_what_fails_comes_out_in_its_turn_and_ends_the_threads() -> None:
    model = Model()
    model.fails_at = 1
    given = []
    with pytest.raises(ValueError, match="no"), vectors_ahead(model, BATCHES, always) as vectors:
        for vector in vectors:
            given.append(int(vector[0]))
    assert given == [0]
    assert not model.begun[3].is_set()
    assert ahead_threads() == []


def test_when_told_to_stop_what_was_begun_is_given_and_no_more_is_begun() -> None:
    model = Model()
    given: list[int] = []
    with pytest.raises(Interrupted), vectors_ahead(model, BATCHES, lambda: len(given) < 2) as vectors:
        for vector in vectors:
            given.append(int(vector[0]))
    assert given == [0, 1, 2]
    assert not model.begun[3].is_set()
    assert ahead_threads() == []


def test_told_to_stop_at_the_very_end_all_is_given() -> None:
    given: list[int] = []
    with vectors_ahead(Model(), BATCHES, lambda: len(given) < len(BATCHES) - 1) as vectors:
        for vector in vectors:
            given.append(int(vector[0]))
    assert len(given) == len(BATCHES)


def test_who_leaves_early_does_not_wait_for_a_model_that_is_given_time() -> None:
    asleep, stopped = threading.Event(), []

    def sleep_long(texts: Texts, keep_going: Callable[[], bool], pause: Pause) -> np.ndarray:
        asleep.set()
        pause(3600)
        stopped.append(not keep_going())
        raise Interrupted

    with pytest.raises(Superseded), vectors_ahead(sleep_long, BATCHES, always):
        assert asleep.wait(10)
        raise Superseded
    assert ahead_threads() == []
    assert stopped
    assert all(stopped)


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_no_database_connection_even_if_something_in_it_took_one() -> None:
    seen: list[BaseDatabaseWrapper] = []

    def ask(texts: Texts, keep_going: Callable[[], bool], pause: Pause) -> np.ndarray:
        connection.ensure_connection()
        seen.append(connection._connections["default"])  # type: ignore[attr-defined]  # this thread's own
        return np.zeros(1)

    with vectors_ahead(ask, BATCHES, always) as vectors:
        assert len(list(vectors)) == len(BATCHES)
    assert [wrapper.connection for wrapper in seen] == [None] * len(BATCHES)


@pytest.fixture
def standin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(versions, "SHORT_WAITS_SECONDS", (0.0, 0.0))
    settings.OLLAMA_EMBED_BATCH_SIZE = CALL_CHUNKS
    with StandIn(["nomic-embed-text"]) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        yield server


def remote_corpus() -> Corpus:
    corpus = make_corpus(with_space=False)
    EmbeddingSpace.objects.create(corpus=corpus, provider="ollama", model="nomic-embed-text", status="live")
    return corpus


def embedded_by(standin: StandIn) -> list[str]:
    return [text for body in standin.requests("embed") for text in body["input"]]


def at(place: str, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Act whenever indexing passes this checkpoint."""
    monkeypatch.setattr(versions, "checkpoint", lambda name: act() if name == place else None)


@pytest.mark.django_db
def test_each_chunk_is_embedded_once_by_a_model_server(standin: StandIn) -> None:
    document = upload(remote_corpus(), make_text(CHUNKS))
    assert index_document(document.pk) == "ready"
    assert len(embedded_by(standin)) == len(set(embedded_by(standin))) == CHUNKS
    assert len(standin.requests("embed")) == CHUNKS / CALL_CHUNKS
    assert vectors_of(document) == len(chunks_of(document)) == CHUNKS


@pytest.mark.django_db
def test_a_model_server_gets_only_texts_that_are_new(standin: StandIn) -> None:
    text = make_text(CHUNKS)
    document = upload(remote_corpus(), text)
    index_document(document.pk)
    replace_file(document, file=io.BytesIO((text + "\n\nA new paragraph at the end.").encode()))
    assert index_document(document.pk) == "ready"
    assert len(embedded_by(standin)) == CHUNKS + 1
    assert vectors_of(document) == len(chunks_of(document))


@pytest.mark.django_db
def test_a_run_that_is_stopped_keeps_what_was_embedded_and_the_next_one_goes_on(standin: StandIn) -> None:
    document = upload(remote_corpus(), make_text(CHUNKS))
    standin.set(embed_seconds=0.02)
    with pytest.raises(Interrupted):
        index_document(document.pk, keep_going=lambda: len(standin.requests("embed")) < 3)
    document.refresh_from_db()
    assert document.chunks_done == len(embedded_by(standin)) < CHUNKS
    assert index_document(document.pk) == "ready"
    assert len(embedded_by(standin)) == len(set(embedded_by(standin))) == CHUNKS
    assert ahead_threads() == []


@pytest.mark.django_db
def test_a_model_server_that_fails_leaves_no_thread_and_what_was_stored(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = upload(remote_corpus(), make_text(CHUNKS))
    at("embedded_batch", lambda: standin.fail("error", status=503, operation="embed"), monkeypatch)
    with pytest.raises(OllamaUnavailable):
        index_document(document.pk)
    assert ahead_threads() == []
    document.refresh_from_db()
    assert (document.status, document.error_code) == ("processing", "waiting_for_model")
    assert document.chunks_done in (CALL_CHUNKS, 2 * CALL_CHUNKS)
    assert vectors_of(document) == document.chunks_done


@pytest.mark.django_db
def test_a_run_that_is_overtaken_while_a_model_server_works_leaves_no_thread(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = upload(remote_corpus(), make_text(CHUNKS))
    at("embedded_batch", lambda: restart(document), monkeypatch)
    assert index_document(document.pk) is None
    assert ahead_threads() == []
    assert Document.objects.get(pk=document.pk).version == 0
