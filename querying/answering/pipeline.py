"""Answers a question: cache, identical questions under way, search, the ladder of rungs, publishing, query log."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import replace

from django.conf import settings

from querying.answering.coalescing import Coalescer, coalesced
from querying.answering.ladder import (
    NOT_IN_DOCUMENTS,
    UNCERTAIN,
    is_degraded,
    is_possible,
    reasons_before_writing,
    rungs,
)
from querying.answering.query_log import Record, recorded
from querying.answering.rungs import write_extractive, write_generated, write_passages
from querying.answering.stale import write_stale
from querying.caching.searches import find_search, keep_search, search_key_if_cacheable
from querying.concurrency.heartbeat import beside
from querying.passages import Retrieved
from querying.retrieval.pipeline import retrieve
from querying.timings import Timings, milliseconds_since
from querying.types import (
    HEARTBEAT,
    WRITTEN,
    Answer,
    AnswerMode,
    Done,
    Draft,
    Event,
    Heartbeat,
    Meta,
    PassagesFound,
    Question,
    Token,
    Writing,
)
from ragsite.errors import OllamaMisconfigured
from ragsite.ollama import configured, get_client
from ragsite.postgres.thread_connection import release_connection

WRITERS = {
    AnswerMode.GENERATED: write_generated,
    AnswerMode.STALE: write_stale,
    AnswerMode.EXTRACTIVE: write_extractive,
    AnswerMode.PASSAGES: write_passages,
}


def answer_question(question: Question, *, is_recorded: bool = True) -> Answer:
    """Return the best answer that is possible now, within the deadline; record the question.

    Raises InvalidInput for a bad filter; DeadlineExceeded or DatabaseUnavailable when not even a search was possible.
    """
    for event in answer_events(question, is_streamed=False, is_recorded=is_recorded):
        last = event
    assert isinstance(last, Done)
    return last.answer


def answer_events(
    question: Question, *, is_streamed: bool = True, is_recorded: bool = True
) -> Generator[Event, None, None]:
    """Yield the events of one answer (see `querying.types`), the last of them Done.

    A stream passes them on; a JSON reply drains them. Holds no database connection while a model works. Closing it
    stops the model, unless other requests read along. Raises as `answer_question` does.
    """
    query_log = recorded(question) if is_recorded else nullcontext(Record())
    with query_log as log, coalesced(question, is_streamed=is_streamed) as flight:
        cached = flight.cached()
        release_connection()
        yield _meta(question, cached)
        answer = cached or (yield from flight.same_question_elsewhere())
        if answer is None:
            release_connection()
            found = (yield from beside(question.deadline, find, flight)) if is_streamed else find(flight)
            release_connection()
            if isinstance(found, Answer):
                answer = found
            else:
                answer = yield from flight.write_for_all(write(question, found))
        if not flight.has_read_along:
            yield PassagesFound(answer.passages)
            yield Token(answer.text)
        elif answer.written_as is AnswerMode.GENERATED:
            yield WRITTEN
        log.answer = answer
        yield Done(answer)


def find(flight: Coalescer) -> Answer | Retrieved:
    """Return the cached answer to the same question in other words, or else the passages for it, as `search` does.

    One call for both, because it runs in another thread, and nearly always there is no such answer.
    """
    return flight.paraphrase() or search(flight.question)


def search(question: Question) -> Retrieved:
    """Return the passages for the question, from the search cache if it has them.

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


def write(question: Question, retrieved: Retrieved) -> Generator[Event, None, Answer]:
    """Yield the passages and the text that is written from them; return the answer."""
    yield PassagesFound(retrieved.passages)
    return (yield from write_answer(question, retrieved))


def write_answer(question: Question, retrieved: Retrieved) -> Writing[Answer]:
    """Write an answer from the passages on the best rung that works, yield its text, and return it."""
    timings = Timings()
    has_model = configured()
    reasons = [*reasons_before_writing(retrieved, model_configured=has_model, deadline=question.deadline)]
    draft, has_spoken = Draft(AnswerMode.PASSAGES), False
    for rung in rungs(retrieved, model_configured=has_model, deadline=question.deadline):
        if not is_possible(rung, reasons):
            continue
        writing = WRITERS[rung](question, retrieved, timings)
        # A reader who has text of a failed rung gets the next rung's text in the complete answer only.
        draft = yield from (_silently(writing) if has_spoken else writing)
        reasons += draft.reasons
        has_spoken = has_spoken or draft.has_spoken
        if draft.text:
            break
        if NOT_IN_DOCUMENTS in draft.reasons:
            retrieved = replace(retrieved, answerable=False)
    if draft.mode is AnswerMode.GENERATED or NOT_IN_DOCUMENTS in reasons:
        # The model has read the passages, so its verdict replaces that of the search.
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


def _meta(question: Question, cached: Answer | None) -> Meta:
    mode, original_mode = (planned_mode(), None) if cached is None else (cached.mode, cached.original_mode)
    return Meta(question.id, mode, tuple(corpus.slug for corpus in question.corpora), original_mode)


def planned_mode() -> AnswerMode:
    """Return the rung that is tried first if the documents hold an answer."""
    try:
        has_model = configured() and get_client().can("generate", settings.LLM_MODEL)
    except OllamaMisconfigured:
        has_model = False
    return AnswerMode.GENERATED if has_model else AnswerMode.EXTRACTIVE


def _silently(writing: Writing[Draft]) -> Writing[Draft]:
    """Write without streaming the text: only heartbeats are yielded."""
    while True:
        try:
            if isinstance(next(writing), Heartbeat):
                yield HEARTBEAT
        except StopIteration as end:
            draft: Draft = end.value
            return draft
