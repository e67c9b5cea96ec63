"""The way of a question: cache, search, choose a rung, write, record. The stream goes through the same stages."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

from django.conf import settings

from querying.ladder import NOT_IN_DOCUMENTS, UNCERTAIN, is_degraded, is_possible, reasons_before_writing, rungs
from querying.recording import recorded
from querying.retrieval import Retrieved, retrieve
from querying.retrieval_cache import find_search, keep_search, search_key_if_cacheable
from querying.sharing import sharing
from querying.stale import write_stale
from querying.timings import Timings, milliseconds_since
from querying.values import (
    HEARTBEAT,
    WRITTEN,
    Answer,
    AnswerMode,
    Done,
    Draft,
    Event,
    Found,
    Heartbeat,
    Meta,
    Question,
    Token,
    Writing,
)
from querying.writing import write_extractive, write_generated, write_passages
from ragsite.database_connection import release_connection
from ragsite.errors import OllamaMisconfigured
from ragsite.ollama import configured, get_client

WRITERS = {
    AnswerMode.GENERATED: write_generated,
    AnswerMode.STALE: write_stale,
    AnswerMode.EXTRACTIVE: write_extractive,
    AnswerMode.PASSAGES: write_passages,
}
T = TypeVar("T")


def answer_question(question: Question) -> Answer:
    """Return the best answer that is possible now, within the deadline; record that it was asked.

    Raises InvalidInput for a bad filter; DeadlineExceeded or DatabaseUnavailable when not even a search was possible.
    """
    with recorded(question) as record:
        record.answer = answer = answer_unrecorded(question)
    return answer


def answer_unrecorded(question: Question) -> Answer:
    """Return the best answer that is possible now, and leave no trace but in the caches. Raises the same."""
    with sharing(question, is_streamed=False) as share:
        answer = share.found or _result_of(share.follow(lambda: search(share.question)))
        if isinstance(answer, Retrieved):
            release_connection()
            answer = _result_of(write_answer(question, answer))
            share.land(answer)
    return answer


def stream_answer(question: Question) -> Generator[Event, None, None]:
    """Yield the events of an answer as it is made (see `querying.values`), and a Heartbeat whenever it is quiet.

    Holds no database connection while a model works. Closing it stops the model. Raises as `answer_question` does.
    """
    with recorded(question) as record, sharing(question, is_streamed=True) as share:
        release_connection()
        mode = share.found.mode if share.found else planned_mode()
        original_mode = share.found.original_mode if share.found else None
        yield Meta(question.id, mode, tuple(corpus.slug for corpus in question.corpora), original_mode)
        answer = share.found or (yield from share.follow(lambda: search(share.question)))
        yield Found(answer.passages)
        if isinstance(answer, Retrieved):
            answer = yield from write_answer(question, answer)
            share.land(answer)
            if answer.mode is AnswerMode.GENERATED:
                yield WRITTEN
        else:
            yield Token(answer.text)
        record.answer = answer
        yield Done(answer)


def search(question: Question) -> Retrieved:
    """Return the passages for the question: those found before, while nothing that they depend on has changed.

    Raises as `retrieve` does.
    """
    key = search_key_if_cacheable(question)
    found = None if key is None else find_search(question, key)
    if found is not None:
        return found
    retrieved = retrieve(
        question.text,
        question.corpora,
        principal=question.principal,
        top_k=question.top_k,
        deadline=question.deadline,
        filters=question.filters,
        mode=question.mode,
        use_cache=question.use_cache,
    )
    if key is not None:
        keep_search(key, retrieved)
    return retrieved


def write_answer(question: Question, retrieved: Retrieved) -> Writing[Answer]:
    """Write an answer from the passages, on the best rung that works; return it."""
    timings = Timings()
    has_model = configured()
    reasons = [*reasons_before_writing(retrieved, model_configured=has_model, deadline=question.deadline)]
    draft, has_spoken = Draft(AnswerMode.PASSAGES), False
    for rung in rungs(retrieved, model_configured=has_model, deadline=question.deadline):
        if not is_possible(rung, reasons):
            continue
        writing = WRITERS[rung](question, retrieved, timings)
        # What was streamed can't be taken back: the next rung speaks in the complete answer only.
        draft = yield from (_silently(writing) if has_spoken else writing)
        reasons += draft.reasons
        has_spoken = has_spoken or draft.has_spoken
        if draft.text:
            break
        if NOT_IN_DOCUMENTS in draft.reasons:
            retrieved = replace(retrieved, answerable=False)
    if draft.mode is AnswerMode.GENERATED or NOT_IN_DOCUMENTS in reasons:
        # The model has read the passages: it knows better than the gate.
        reasons = [reason for reason in reasons if reason != UNCERTAIN]
    return Answer(
        id=question.id,
        text=draft.text,
        mode=draft.mode,
        degraded=is_degraded(reasons),
        reasons=tuple(dict.fromkeys(reasons)),
        answerable=NOT_IN_DOCUMENTS not in reasons,
        citations=draft.citations,
        passages=retrieved.passages if draft.passages is None else draft.passages,
        legs=retrieved.legs,
        model=draft.model,
        usage=draft.usage,
        timings_ms={**retrieved.timings_ms, **timings.ms, "total": milliseconds_since(question.started)},
        cache=draft.cache,
        original_mode=draft.original_mode,
        corrections=retrieved.corrections,
    )


def planned_mode() -> AnswerMode:
    """Return the rung that will be tried first if the documents hold an answer."""
    try:
        has_model = configured() and get_client().can("generate", settings.LLM_MODEL)
    except OllamaMisconfigured:
        has_model = False
    return AnswerMode.GENERATED if has_model else AnswerMode.EXTRACTIVE


def _silently(writing: Writing[Draft]) -> Writing[Draft]:
    """Write without streaming the text."""
    while True:
        try:
            if isinstance(next(writing), Heartbeat):
                yield HEARTBEAT
        except StopIteration as end:
            draft: Draft = end.value
            return draft


def _result_of(writing: Writing[T]) -> T:
    """Return what a stage returns, and drop what it streams."""
    while True:
        try:
            next(writing)
        except StopIteration as end:
            result: T = end.value
            return result
