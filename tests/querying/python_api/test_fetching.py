"""The Python API: chosen corpora are searched in parallel, and failures are reported."""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.models import ApiKey, Corpus
from querying.answering.pipeline import search
from querying.concurrency import async_bridge
from querying.python_api import fetching
from querying.python_api.fetching import (
    EventLoopRunning,
    Fetched,
    NotFetched,
    fetch_all_rag_data,
    fetch_all_rag_data_async,
    prefetch_all_rag_data,
    prefetch_all_rag_data_async,
)
from ragsite.errors import CorpusNotFound, DatabaseUnavailable, DeadlineExceeded, QuestionsDisabled
from ragsite.performance import recorder
from tests.factories import make_corpus, make_user
from tests.querying.concurrency.test_parallel import eventually, in_use
from tests.querying.retrieval.test_corpus_search import only_in
from tests.stock import stock

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How many days of paid leave do employees get?"
TRAINS_QUESTION = "Which business trips are booked by rail?"
LEAVE = "Employees get 25 days of paid leave per calendar year."
OTHER = "Employees of the subsidiary get 30 days of paid leave."
TRAINS = "Business trips of more than 300 kilometres are booked by rail."
TENDER = "Nhà thầu phải nộp hồ sơ dự thầu trước ngày 15 tháng 3."


@pytest.fixture
def corpora() -> Iterator[list[Corpus]]:
    """Three small public corpora; every connection is free again in the end."""
    made = [make_corpus(is_public=True, slug=slug) for slug in ("handbook", "subsidiary", "travel")]
    for corpus, text in zip(made, (LEAVE, OTHER, TRAINS), strict=True):
        stock(corpus, text, title=corpus.slug)
    connection.close()
    yield made
    assert eventually(lambda: in_use() == 0), "a thread kept its connection"


def texts(found: Fetched | NotFetched) -> list[str]:
    assert isinstance(found, Fetched)
    return [passage.text for passage in found.passages]


def statuses(found: Fetched) -> dict[str, str]:
    return {leg.name: leg.status for leg in found.legs}


def fails() -> None:
    raise DatabaseUnavailable


def test_without_options_a_question_goes_to_all_public_corpora_as_over_http(corpora: list[Corpus]) -> None:
    found = fetch_all_rag_data(QUESTION, principal=NOBODY)
    assert found.corpora == ("handbook", "subsidiary", "travel")
    assert texts(found)[0] == LEAVE
    assert found.answerable


def test_the_threads_for_coroutines_are_made_once(corpora: list[Corpus], settings: Settings) -> None:
    asyncio.run(fetch_all_rag_data_async(QUESTION, principal=NOBODY))
    first = async_bridge._threads()
    asyncio.run(fetch_all_rag_data_async(QUESTION, principal=NOBODY))
    assert async_bridge._threads() is first
    settings.RAG_EXECUTOR_WORKERS = 2
    assert async_bridge._threads() is not first


def test_a_question_is_prepared_once_for_all_corpora(corpora: list[Corpus]) -> None:
    recorder.forget()
    fetch_all_rag_data(QUESTION, principal=NOBODY)
    assert recorder.stats()["rag_prepare_query"].sample_count == 1


def test_a_result_has_all_that_a_program_needs(corpora: list[Corpus]) -> None:
    found = fetch_all_rag_data(QUESTION, principal=NOBODY, corpora=["handbook", "travel"], top_k=1)
    assert found.question == QUESTION
    (passage,) = found.passages
    assert (passage.text, passage.corpus_slug, passage.document_title) == (LEAVE, "handbook", "handbook")
    assert list(statuses(found)) == [f"{slug}/{leg}" for slug in ("handbook", "travel") for leg in ("lexical", "dense")]
    assert set(statuses(found).values()) == {"ok"}
    assert {"retrieve", "total"} <= found.timings_ms.keys()
    assert (found.degraded_reasons, found.age_seconds) == ((), None)
    again = fetch_all_rag_data(QUESTION, principal=NOBODY, corpora=["handbook", "travel"], top_k=1)
    assert again.passages == found.passages
    assert again.age_seconds is not None, "found before, and given again"


def test_corpora_are_searched_at_the_same_time(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(3, timeout=20)
    for corpus in corpora:
        only_in(corpus.slug, monkeypatch, meeting.wait)
    assert set(statuses(fetch_all_rag_data(QUESTION, principal=NOBODY)).values()) == {"ok"}


def test_questions_are_searched_at_the_same_time(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=20)
    only_in("handbook", monkeypatch, meeting.wait)
    results = prefetch_all_rag_data([QUESTION, TRAINS_QUESTION], principal=NOBODY, corpora=["handbook"])
    assert [texts(each) for each in results] == [[LEAVE], [LEAVE]]


def test_a_corpus_that_fails_is_named_and_the_others_answer(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_in("handbook", monkeypatch, fails)
    only_in("handbook", monkeypatch, fails, leg="score_all")
    found = fetch_all_rag_data(QUESTION, principal=NOBODY)
    assert statuses(found)["handbook/lexical"] == "failed"
    assert statuses(found)["travel/lexical"] == "ok"
    assert {reason.code for reason in found.degraded_reasons} == {"embedding_unavailable", "keywords_unavailable"}
    assert texts(found)[0] == OTHER


def one_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the search for one of the questions fail."""
    original = search

    def instead(asked: Any) -> Any:
        if asked.text == TRAINS_QUESTION:
            raise error
        return original(asked)

    monkeypatch.setattr(fetching, "search", instead)


def test_a_question_that_fails_is_named_and_the_rest_answer(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_fails(monkeypatch, DatabaseUnavailable())
    questions = [QUESTION, TRAINS_QUESTION, "Who gets 30 days?"]
    called = prefetch_all_rag_data(questions, principal=NOBODY)
    awaited = asyncio.run(prefetch_all_rag_data_async(questions, principal=NOBODY))
    for first, second, third in (called, awaited):
        assert texts(first)[0] == LEAVE
        assert texts(third)[0] == OTHER
        assert isinstance(second, NotFetched)
        assert (second.question, second.error.code) == (TRAINS_QUESTION, "database_unavailable")


def test_a_mistake_of_ours_is_not_hidden_as_a_question_that_failed(
    corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_fails(monkeypatch, TypeError("a mistake"))
    with pytest.raises(TypeError):
        prefetch_all_rag_data([QUESTION, TRAINS_QUESTION], principal=NOBODY)
    with pytest.raises(TypeError):
        asyncio.run(prefetch_all_rag_data_async([QUESTION, TRAINS_QUESTION], principal=NOBODY))


def test_what_is_stuck_is_late_at_the_deadline(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    only_in("handbook", monkeypatch, sleep)
    only_in("handbook", monkeypatch, sleep, leg="dense_leg")
    with pytest.raises(DeadlineExceeded):
        fetch_all_rag_data(QUESTION, principal=NOBODY, corpora=["handbook"], deadline_seconds=0.3)
    results = asyncio.run(
        prefetch_all_rag_data_async([QUESTION], principal=NOBODY, corpora=["handbook"], deadline_seconds=0.3)
    )
    assert [each.error.code for each in results if isinstance(each, NotFetched)] == ["deadline_exceeded"]


def test_every_leg_is_timed_under_its_name(corpora: list[Corpus]) -> None:
    recorder.forget()
    fetch_all_rag_data(QUESTION, principal=NOBODY)
    figures = recorder.stats()
    assert {"rag_prepare_query", "rag_lexical_fetch", "rag_dense_fetch", "rag_retrieve"} <= figures.keys()
    assert figures["rag_lexical_fetch"].sample_count == 3


def test_only_the_corpora_named_are_asked_and_a_lone_name_is_one(corpora: list[Corpus]) -> None:
    assert fetch_all_rag_data(QUESTION, principal=NOBODY, corpora=["travel"]).corpora == ("travel",)
    assert fetch_all_rag_data(QUESTION, principal=NOBODY, corpora="travel").corpora == ("travel",)
    with pytest.raises(CorpusNotFound):
        fetch_all_rag_data(QUESTION, principal=NOBODY, corpora=["travel", "nothing"])


def test_a_caller_only_gets_passages_that_it_may_read(corpora: list[Corpus]) -> None:
    closed = make_corpus(slug="board")
    stock(closed, "The board gets 40 days of paid leave.")
    member = make_user(role="reader", tenant=closed.tenant)
    assert "board" not in fetch_all_rag_data(QUESTION, principal=NOBODY).corpora
    assert "board" in fetch_all_rag_data(QUESTION, principal=Principal.of(member)).corpora
    closed.readers.add(Group.objects.create(name="Board"))
    connection.close()
    key = ApiKey(user=member, scopes=[])
    for principal in (NOBODY, Principal.of(member), Principal.of(member, key)):
        with pytest.raises(CorpusNotFound):
            fetch_all_rag_data(QUESTION, principal=principal, corpora=["board"])
        with pytest.raises(CorpusNotFound):
            asyncio.run(prefetch_all_rag_data_async([QUESTION], principal=principal, corpora=["board"]))
    with pytest.raises(CorpusNotFound):
        fetch_all_rag_data(QUESTION, principal=Principal.of(member, key))
    connection.close()


def test_a_question_in_another_language_and_form_is_found(corpora: list[Corpus]) -> None:
    stock(make_corpus(is_public=True, slug="dau-thau", language="vi"), TENDER)
    connection.close()
    question = unicodedata.normalize("NFD", "Nhà thầu nộp hồ sơ\nkhi nào?")
    found = fetch_all_rag_data(question, principal=NOBODY)
    assert found.question == "Nhà thầu nộp hồ sơ khi nào?"
    assert unicodedata.is_normalized("NFC", found.question)
    assert texts(found)[0] == TENDER


@pytest.mark.parametrize(
    ("locale", "asked"),
    [
        ("vi", {"dau-thau", "tables"}),  # and what has no language
        ("vi_VN", {"dau-thau", "tables"}),
        ("vi-VN.UTF-8", {"dau-thau", "tables"}),
        ("EN", {"handbook", "subsidiary", "travel", "tables"}),
        ("fr", {"handbook", "subsidiary", "travel", "dau-thau", "tables"}),  # nothing is in French: better all
        (None, {"handbook", "subsidiary", "travel", "dau-thau", "tables"}),
    ],
)
def test_a_locale_chooses_among_the_corpora_where_none_is_named(
    corpora: list[Corpus], locale: str | None, asked: set[str]
) -> None:
    make_corpus(is_public=True, slug="dau-thau", language="vi")
    make_corpus(is_public=True, slug="tables", language="xx")
    assert set(fetch_all_rag_data(QUESTION, principal=NOBODY, locale=locale).corpora) == asked
    assert fetch_all_rag_data(QUESTION, principal=NOBODY, locale=locale, corpora=["travel"]).corpora == ("travel",)


def test_in_an_event_loop_the_calls_name_the_form_to_await() -> None:
    async def mistaken() -> None:
        with pytest.raises(EventLoopRunning, match=r"await fetch_all_rag_data_async\(") as caught:
            fetch_all_rag_data(QUESTION, principal=NOBODY)
        assert isinstance(caught.value, RuntimeError)
        assert "event loop is already running" in str(caught.value)
        with pytest.raises(EventLoopRunning, match=r"await prefetch_all_rag_data_async\("):
            prefetch_all_rag_data([QUESTION], principal=NOBODY)

    asyncio.run(mistaken())


def test_a_callers_thread_that_ends_keeps_no_connection(corpora: list[Corpus]) -> None:
    found: list[Fetched] = []
    for act in (
        lambda: found.append(fetch_all_rag_data(QUESTION, principal=NOBODY)),
        lambda: found.extend(
            each for each in prefetch_all_rag_data([QUESTION], principal=NOBODY) if isinstance(each, Fetched)
        ),
    ):
        thread = threading.Thread(target=act)
        thread.start()
        thread.join(30)
        assert in_use() == 0
    assert len(found) == 2


def test_while_questions_are_switched_off_programs_are_refused_too(corpora: list[Corpus], settings: Settings) -> None:
    settings.RAG_DISABLE = True
    with pytest.raises(QuestionsDisabled):
        fetch_all_rag_data(QUESTION, principal=NOBODY)
    with pytest.raises(QuestionsDisabled):
        asyncio.run(prefetch_all_rag_data_async([QUESTION], principal=NOBODY))
