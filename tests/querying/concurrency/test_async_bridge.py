"""Many questions from one event loop are answered by few threads, and every connection is released."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as current
from django.db import connection
from pytest_django import Settings

from documents.access.policy import NOBODY
from documents.models import Corpus
from documents.search.keyword_search import lexical_leg
from querying.answering.pipeline import search
from querying.python_api import fetching
from querying.python_api.fetching import Fetched, fetch_all_rag_data_async, prefetch_all_rag_data_async
from querying.retrieval import candidates
from tests.factories import make_corpus
from tests.querying.concurrency.test_parallel import eventually, in_use
from tests.stock import stock

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 50


def question(number: int) -> str:
    return f"What does rule {number} say of parking space {number}?"


def rule(number: int) -> str:
    return f"Rule {number}: parking space {number} is kept for visitors of house {number + 100}."


@pytest.fixture(autouse=True)
def corpora() -> Iterator[list[Corpus]]:
    """Two corpora with a rule for each question; the pool is free again in the end."""
    made = [make_corpus(is_public=True, slug=slug) for slug in ("even", "odd")]
    for parity, corpus in enumerate(made):
        stock(corpus, *(rule(number) for number in range(parity, AT_ONCE, 2)))
    connection.close()
    yield made
    assert eventually(lambda: in_use() == 0), "a thread kept its connection"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The threads that searched."""
    names: set[str] = set()
    original = lexical_leg

    def noting(*args: Any) -> Any:
        names.add(threading.current_thread().name)
        return original(*args)

    monkeypatch.setattr(candidates, "lexical_leg", noting)
    return names


def assert_answered(results: tuple[Any, ...]) -> None:
    assert len(results) == AT_ONCE
    for number, found in enumerate(results):
        assert isinstance(found, Fetched), found
        assert found.question == question(number)
        assert rule(number) in [passage.text for passage in found.passages]
        assert {leg.status for leg in found.legs} == {"ok"}


def test_fifty_questions_of_one_call_are_all_answered_by_few_threads(threads: set[str]) -> None:
    questions = [question(number) for number in range(AT_ONCE)]
    assert_answered(asyncio.run(prefetch_all_rag_data_async(questions, principal=NOBODY)))
    workers = current.RAG_EXECUTOR_WORKERS
    assert len([name for name in threads if name.startswith("fetch")]) <= workers
    assert len(threads) <= 2 * workers, "the same number again for legs"
    assert in_use() == 0


def test_fifty_calls_of_one_event_loop_are_all_answered_by_few_threads(threads: set[str]) -> None:
    async def everybody() -> tuple[Fetched, ...]:
        calls = (fetch_all_rag_data_async(question(number), principal=NOBODY) for number in range(AT_ONCE))
        return tuple(await asyncio.gather(*calls))

    assert_answered(asyncio.run(everybody()))
    assert len(threads) <= 2 * current.RAG_EXECUTOR_WORKERS


def test_the_event_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that waits for the loop would wait for ever if the loop waited for it."""
    original, released = search, threading.Event()

    def waiting(asked: Any) -> Any:
        assert released.wait(20)
        return original(asked)

    monkeypatch.setattr(fetching, "search", waiting)

    async def release() -> None:
        released.set()

    async def both() -> Fetched:
        found, _ = await asyncio.gather(fetch_all_rag_data_async(question(1), principal=NOBODY), release())
        return found

    assert asyncio.run(both()).passages


def test_who_is_cancelled_leaves_at_once_and_what_had_not_begun_never_does(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.RAG_EXECUTOR_WORKERS = 1
    original, begun, go_on = search, list[str](), threading.Event()

    def held(asked: Any) -> Any:
        begun.append(asked.text)
        assert go_on.wait(20)
        return original(asked)

    monkeypatch.setattr(fetching, "search", held)

    async def cancelled() -> None:
        questions = [question(number) for number in range(10)]
        task = asyncio.create_task(prefetch_all_rag_data_async(questions, principal=NOBODY))
        while not begun:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not go_on.is_set(), "nobody waited for the search that had begun"
        go_on.set()
        found = await fetch_all_rag_data_async(question(11), principal=NOBODY)
        assert found.question == question(11), "the thread is free for others"

    asyncio.run(cancelled())
    assert begun == [question(0), question(11)]


def test_a_question_behind_stuck_ones_is_late_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.RAG_EXECUTOR_WORKERS = 1
    original, go_on = search, threading.Event()
    monkeypatch.setattr(fetching, "search", lambda asked: go_on.wait(20) and original(asked))

    async def several() -> list[str]:
        try:
            results = await prefetch_all_rag_data_async(
                [question(1), question(2)], principal=NOBODY, deadline_seconds=0.5
            )
        finally:
            go_on.set()
        return [each.error.code for each in results if not isinstance(each, Fetched)]

    assert asyncio.run(several()) == ["deadline_exceeded"] * 2


def test_none_of_the_legs_runs_in_the_event_loops_thread(corpora: list[Corpus], threads: set[str]) -> None:
    asyncio.run(fetch_all_rag_data_async(rule(1), principal=NOBODY))
    assert threads
    assert threading.current_thread().name not in threads
