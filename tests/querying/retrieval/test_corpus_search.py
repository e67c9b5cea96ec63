"""Several corpora in parallel: the same passages as one after another, and a failing corpus costs no other one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from documents.access.policy import NOBODY
from documents.models import Chunk, Corpus, Document
from documents.search.keyword_search import lexical_leg
from querying.passages import Retrieved
from querying.retrieval import candidates, corpus_search, ranking
from querying.retrieval.pipeline import retrieve
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, DeadlineExceeded, InvalidInput
from ragsite.postgres.base import open_pools
from tests.factories import make_corpus
from tests.querying.concurrency.test_parallel import eventually, in_use
from tests.stock import add_version, stock

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How many days of paid leave do employees get?"
LEAVE = "Employees get 25 days of paid leave per calendar year."
OTHER = "Employees of the subsidiary get 30 days of paid leave."
TRAINS = "Business trips of more than 300 kilometres are booked by rail."


def ask(*corpora: Corpus, seconds: float = 20, **options: Any) -> Retrieved:
    options = {"principal": NOBODY, "deadline": Deadline.after(seconds), "top_k": 5, **options}
    return retrieve(QUESTION, corpora, **options)


def statuses(found: Retrieved) -> dict[str, str]:
    return {leg.name: leg.status for leg in found.legs}


def texts(found: Retrieved) -> list[str]:
    return [passage.text for passage in found.passages]


@pytest.fixture
def corpora() -> Iterator[list[Corpus]]:
    """Three small corpora; all connections are free again in the end."""
    made = [make_corpus(is_public=True, slug=slug) for slug in ("handbook", "subsidiary", "travel")]
    for corpus, text in zip(made, (LEAVE, OTHER, TRAINS), strict=True):
        stock(corpus, text, title=corpus.slug)
    yield made
    assert eventually(lambda: in_use() == 0), "a thread kept its connection"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that the keyword leg ran in."""
    original, names = lexical_leg, list[str]()

    def noting(*args: Any) -> dict[int, float]:
        names.append(threading.current_thread().name)
        return original(*args)

    monkeypatch.setattr(candidates, "lexical_leg", noting)
    return names


def only_in(slug: str, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, leg: str = "lexical_leg") -> None:
    """Do something before a leg of one corpus."""
    original = getattr(candidates, leg)

    def instead(reach: Any, *args: Any, **known: Any) -> Any:
        if reach.corpus.slug == slug:
            act()
        return original(reach, *args, **known)

    monkeypatch.setattr(candidates, leg, instead)


def sleep() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


def test_side_by_side_finds_what_one_after_another_finds(
    corpora: list[Corpus], threads: list[str], settings: Settings
) -> None:
    beside = ask(*corpora)
    assert len(threads) == 3
    assert threading.current_thread().name not in threads
    settings.RAG_EXECUTOR_WORKERS = 1
    in_turn = ask(*corpora)
    assert threads[3:] == [threading.current_thread().name] * 3
    assert beside.passages == in_turn.passages
    assert beside.answerable == in_turn.answerable
    assert statuses(beside) == statuses(in_turn)
    assert list(statuses(beside)) == [f"{c.slug}/{leg}" for c in corpora for leg in ("lexical", "dense")]


def test_one_corpus_stays_in_its_own_thread(corpora: list[Corpus], threads: list[str]) -> None:
    ask(corpora[0])
    assert threads == [threading.current_thread().name]


def test_stages_that_overlap_count_once(corpora: list[Corpus]) -> None:
    found = ask(*corpora)
    assert {"embed", "lexical", "dense", "score", "load", "retrieve"} <= found.timings_ms.keys()
    slowest = max(leg.ms for leg in found.legs if leg.name.endswith("/lexical"))
    assert found.timings_ms["lexical"] == slowest


def test_a_corpus_that_is_stuck_is_late_and_the_others_answer_in_time(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_in("subsidiary", monkeypatch, sleep)
    deadline = Deadline.after(1.5)
    found = ask(*corpora, deadline=deadline)
    assert deadline.remaining() > 0, "there was time left to load the passages"
    assert statuses(found)["subsidiary/lexical"] == "late"
    assert statuses(found)["handbook/lexical"] == statuses(found)["travel/dense"] == "ok"
    assert texts(found)[0] == LEAVE


def test_a_corpus_whose_search_fails_is_named_and_the_others_answer(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise DatabaseUnavailable

    only_in("handbook", monkeypatch, fails)
    only_in("handbook", monkeypatch, fails, leg="score_all")  # not a leg: it takes its corpus with it
    found = ask(*corpora)
    assert statuses(found)["handbook/lexical"] == statuses(found)["handbook/dense"] == "failed"
    assert texts(found)[0] == OTHER


def test_when_all_are_stuck_or_failed_that_is_said(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise DatabaseUnavailable

    for corpus in corpora:
        only_in(corpus.slug, monkeypatch, fails, leg="score_all")
    with pytest.raises(DatabaseUnavailable):
        ask(*corpora)
    monkeypatch.undo()
    for corpus in corpora:
        only_in(corpus.slug, monkeypatch, sleep)
    with pytest.raises(DeadlineExceeded):
        ask(*corpora, seconds=0.5)


def test_a_bad_filter_is_the_askers_mistake(corpora: list[Corpus]) -> None:
    with pytest.raises(InvalidInput):
        ask(*corpora, filters={"colour": "red"})


def test_a_mistake_of_ours_is_not_hidden_as_a_failed_leg(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken() -> None:
        raise TypeError

    only_in("travel", monkeypatch, mistaken)
    with pytest.raises(TypeError):
        ask(*corpora)


def test_a_connection_that_breaks_in_one_thread_is_replaced_there(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[int] = []

    def end_our_connection() -> None:
        info = connection.connection.info
        if not broken:
            broken.append(info.backend_pid)
            with psycopg.connect(info.dsn, password=info.password) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [info.backend_pid])

    only_in("subsidiary", monkeypatch, end_our_connection)
    found = ask(*corpora)
    assert len(broken) == 1
    assert set(statuses(found).values()) == {"ok"}
    assert set(texts(found)) == {LEAVE, OTHER, TRAINS}


def replace_document(document: Document, text: str, version: int) -> None:
    add_version(document, [text], version=version)
    with transaction.atomic():
        document.version = version
        document.save()
        Chunk.objects.filter(document=document, version__lt=version).delete()


def test_a_document_that_is_replaced_between_search_and_loading_is_not_lost(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = corpus_search.search_in_parallel

    def then_replaced(*args: Any) -> Any:
        found = original(*args)
        replace_document(corpora[0].documents.get(), LEAVE, version=2)
        return found

    monkeypatch.setattr(ranking, "search_in_parallel", then_replaced)
    found = ask(*corpora)
    assert set(texts(found)) == {LEAVE, OTHER, TRAINS}
    assert len(statuses(found)) == len(found.legs) == 6


def test_a_small_pool_is_enough_for_many_corpora(corpora: list[Corpus]) -> None:
    pool = open_pools()[connection.alias]
    held = [pool.getconn() for _ in range(pool.max_size - 1)]
    try:
        assert set(statuses(ask(*corpora)).values()) == {"ok"}
    finally:
        connection.close()
        for each in held:
            pool.putconn(each)
