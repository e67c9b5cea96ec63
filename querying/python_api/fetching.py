"""Searches passages for Python code in this process: for one question or several, blocking or awaited.

Scripts and jobs call `fetch_all_rag_data` and `prefetch_all_rag_data`; coroutines await the forms that end in `_async`,
which run in a thread pool. However a call ends, it leaves no thread with an open database connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

from django.db import Error as DatabaseFault
from django.db import connection

from documents.access.policy import Principal
from querying.answering.ladder import reasons_of_search
from querying.answering.pipeline import search
from querying.concurrency.async_bridge import in_thread
from querying.concurrency.parallel import LegFailure, gather
from querying.passages import LegReport, Passage
from querying.python_api.request import Options, RequestOptions, prepare
from querying.timings import milliseconds_since
from querying.types import Question, Reason
from ragsite.errors import DeadlineExceeded, RagError
from ragsite.postgres.thread_connection import release_connection
from ragsite.web.exception_handler import as_rag_error


class EventLoopRunning(RuntimeError):
    """Raised for a blocking call inside a running event loop, which it would stop."""


@dataclass(frozen=True)
class Fetched:
    """The passages found for a question, and the reports of the search."""

    question: str  # as it was searched: normalised to NFC, on one line
    corpora: tuple[str, ...]
    passages: tuple[Passage, ...]
    answerable: bool  # False: the passages are the nearest ones, but don't hold the answer
    legs: tuple[LegReport, ...]  # empty: the result is from the cache
    degraded_reasons: tuple[Reason, ...]
    timings_ms: Mapping[str, float]
    age_seconds: float | None  # None: not from the cache


@dataclass(frozen=True)
class NotFetched:
    """A question whose search failed, and its error."""

    question: str
    error: RagError


def fetch_all_rag_data(question: str, *, principal: Principal, **options: Unpack[Options]) -> Fetched:
    """Return the passages for a question from all chosen corpora, which are searched in parallel.

    A leg that fails or is late is reported in `legs`, and the others answer.

    Raises InvalidInput, CorpusNotFound, QuestionsDisabled; DeadlineExceeded, Overloaded or DatabaseUnavailable when no
    leg worked; and EventLoopRunning in a coroutine.
    """
    _refuse_in_event_loop("fetch_all_rag_data")
    wanted = RequestOptions(principal, **options)
    deadline = wanted.deadline()
    try:
        return _fetch(prepare([question], wanted, deadline)[0])
    finally:
        _give_connection_back()


def prefetch_all_rag_data(
    questions: Sequence[str], *, principal: Principal, **options: Unpack[Options]
) -> tuple[Fetched | NotFetched, ...]:
    """Return one result per question, in the given order: Fetched, or NotFetched for one that failed or was late.

    Up to RAG_EXECUTOR_WORKERS of them run in parallel. Raises as `fetch_all_rag_data` does for errors of the call.
    """
    _refuse_in_event_loop("prefetch_all_rag_data")
    wanted = RequestOptions(principal, **options)
    deadline = wanted.deadline()
    try:
        batch = prepare(questions, wanted, deadline)
        found = gather({str(number): partial(_fetch, question) for number, question in enumerate(batch)}, deadline)
    finally:
        _give_connection_back()
    return tuple(
        NotFetched(question.text, _error_of(each)) if isinstance(each, LegFailure) else each
        for question, each in zip(batch, found.values(), strict=True)
    )


async def fetch_all_rag_data_async(question: str, *, principal: Principal, **options: Unpack[Options]) -> Fetched:
    """Return what `fetch_all_rag_data` returns, without blocking the event loop. Raises the same.

    A cancelled caller returns at once; a search that has begun ends at the deadline at the latest.
    """
    wanted = RequestOptions(principal, **options)
    deadline = wanted.deadline()
    return await in_thread(lambda: _fetch(prepare([question], wanted, deadline)[0]), deadline)


async def prefetch_all_rag_data_async(
    questions: Sequence[str], *, principal: Principal, **options: Unpack[Options]
) -> tuple[Fetched | NotFetched, ...]:
    """Return what `prefetch_all_rag_data` returns, without blocking the event loop. Raises the same.

    A cancelled caller returns at once; questions that have not begun never do.
    """
    wanted = RequestOptions(principal, **options)
    deadline = wanted.deadline()
    batch = await in_thread(partial(prepare, questions, wanted, deadline), deadline)

    async def fetch(question: Question) -> Fetched | NotFetched:
        try:
            return await in_thread(partial(_fetch, question), deadline)
        except RagError as exc:
            return NotFetched(question.text, exc)

    return tuple(await asyncio.gather(*map(fetch, batch)))


def _fetch(question: Question) -> Fetched:
    try:
        found = search(question)
    except DatabaseFault as exc:
        raise as_rag_error(exc) from exc
    return Fetched(
        question=question.text,
        corpora=tuple(corpus.slug for corpus in question.corpora),
        passages=found.passages,
        answerable=found.answerable,
        legs=found.legs,
        degraded_reasons=reasons_of_search(found),
        timings_ms={**found.timings_ms, "total": milliseconds_since(question.started)},
        age_seconds=found.age_seconds,
    )


def _error_of(failure: LegFailure) -> RagError:
    """Return the error of a failed question. Raises an error that is no RagError: it is a defect."""
    error = failure.error
    if isinstance(error, RagError):
        return error
    if error is None:
        return DeadlineExceeded()
    raise error


def _refuse_in_event_loop(name: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise EventLoopRunning(
        f"{name}() waits for the database, and an event loop is already running in this thread: "
        f"use `await {name}_async(...)` there."
    )


def _give_connection_back() -> None:
    """Release the caller's connection: one that a thread holds at its end would be lost to all others."""
    if not connection.in_atomic_block:
        release_connection()
