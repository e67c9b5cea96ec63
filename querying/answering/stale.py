"""Serves an older answer of the model while the model is unavailable, if all of its sources are unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import F

from documents.access.policy import readable_documents
from documents.models import Chunk
from documents.search.filters import condition_of
from documents.text.borders import borders_of
from querying.answering.ladder import STALE
from querying.cachestore.hit_counters import count
from querying.cachestore.memory import CachedEntry
from querying.caching import answer_table
from querying.caching.answers import keys_if_cacheable, unless_it_fails
from querying.generation.citations import Citation, page_and_heading_at
from querying.passages import Passage, Retrieved
from querying.timings import Timings
from querying.types import Answer, AnswerMode, CacheReport, Draft, Question, Token, Writing
from ragsite.postgres.thread_connection import release_connection

CurrentChunks = Mapping[tuple[UUID, str], Mapping[str, Any]]  # by document and text


def write_stale(question: Question, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Write the newest cached answer to this question from any state of the documents; empty: there is none.

    Each passage that it was made from must still be, word for word, in a document that the reader may read: an answer
    from a document that was deleted, closed or rewritten is not served. New documents may make a better answer
    possible, so it is called stale.
    """
    with timings.stage("stale"):
        kept = unless_it_fails(lambda: _find(question))
        answer = None if kept is None else unless_it_fails(lambda: standing_answer(question, kept.answer))
        release_connection()
    count("stale", hit=answer is not None, corpora=[corpus.pk for corpus in question.corpora])
    if kept is None or answer is None:
        return Draft(AnswerMode.STALE)
    yield Token(answer.text)
    return Draft(
        AnswerMode.STALE,
        answer.text,
        answer.citations,
        (STALE,),
        model=answer.model,
        passages=answer.passages,
        cache=CacheReport(hit=True, similarity=1.0, age_seconds=round(kept.age_seconds, 3)),
        original_mode=answer.written_as,
    )


def _find(question: Question) -> CachedEntry | None:
    keys = keys_if_cacheable(question)
    return None if keys is None else answer_table.load_stale(keys.stale)


def standing_answer(question: Question, answer: Answer) -> Answer | None:
    """Return the answer with its sources as they are now; None: one of them was deleted, closed or rewritten."""
    now = _chunks_now(question, answer.passages)
    if not answer.passages or any((each.document_id, each.text) not in now for each in answer.passages):
        return None
    passages = tuple(_passage_now(passage, now) for passage in answer.passages)
    before = dict(enumerate(answer.passages, start=1))
    citations = tuple(_citation_now(each, before[each.number], passages[each.number - 1]) for each in answer.citations)
    return replace(answer, passages=passages, citations=citations)


def _chunks_now(question: Question, passages: tuple[Passage, ...]) -> CurrentChunks:
    documents = readable_documents(question.principal).filter(corpus__in=question.corpora)
    condition = condition_of(question.filters)
    if condition is not None:
        documents = documents.filter(condition)
    chunks = Chunk.objects.filter(
        document__in=documents.filter(pk__in={passage.document_id for passage in passages}),
        version=F("document__version"),
        text__in={passage.text for passage in passages},
    )
    columns = ["pk", "document_id", "text", "heading", "page", "borders", "start", "end"]
    rows = chunks.order_by("-ordinal").values(*columns, "document__title", "document__source")
    return {(row["document_id"], row["text"]): row for row in rows}


def _passage_now(passage: Passage, now: CurrentChunks) -> Passage:
    chunk = now[passage.document_id, passage.text]
    return replace(
        passage,
        chunk_id=chunk["pk"],
        document_title=chunk["document__title"],
        document_source=chunk["document__source"],
        heading=chunk["heading"],
        page=chunk["page"],
        start=chunk["start"],
        end=chunk["end"],
        borders=borders_of(chunk["borders"]),
    )


def _citation_now(citation: Citation, before: Passage, passage: Passage) -> Citation:
    moved = passage.start - before.start
    page, heading = page_and_heading_at(passage, citation.start + moved - passage.start)
    return replace(
        citation,
        chunk_id=passage.chunk_id,
        document_title=passage.document_title,
        document_source=passage.document_source,
        heading=heading,
        page=page,
        start=citation.start + moved,
        end=citation.end + moved,
    )
