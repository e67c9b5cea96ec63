"""Represents answers as JSON values: plain dicts, because a serializer would cost more than the rest of a cache hit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from querying.answering.ladder import is_degraded, reasons_of_search
from querying.explaining.pipeline import Explanation, PassageReport
from querying.generation.citations import Citation
from querying.output.shown_fields import shown_name, shown_quote, shown_source
from querying.passages import LegReport, Passage, Retrieved, name_of, names_by_number
from querying.types import Answer, CacheReport, Reason

Json = dict[str, Any]


def answer_as_json(answer: Answer) -> Json:
    """Return the canonical body of an answer."""
    names = names_by_number(answer.passages)
    return {
        "id": str(answer.id),
        "answer": answer.text,
        "answer_mode": answer.mode.value,
        "original_mode": answer.written_as.value,
        "degraded": answer.degraded,
        "degraded_reasons": reasons_as_json(answer.reasons),
        "answerable": answer.answerable,
        "citations": [citation_as_json(citation, names.get(citation.number, "")) for citation in answer.citations],
        "passages": passages_as_json(answer.passages),
        "legs": legs_as_json(answer.legs),
        "cache": cache_as_json(answer.cache),
        "model": answer.model,
        "usage": asdict(answer.usage) if answer.usage else None,
        "timings_ms": dict(answer.timings_ms),
        "corrections": dict(answer.corrections),
    }


def search_as_json(retrieved: Retrieved) -> Json:
    """Return the canonical body of a search."""
    reasons = reasons_of_search(retrieved)
    return {
        "passages": passages_as_json(retrieved.passages),
        "answerable": retrieved.answerable,
        "degraded": is_degraded(reasons),
        "degraded_reasons": reasons_as_json(reasons),
        "legs": legs_as_json(retrieved.legs),
        "cache": cache_as_json(cache_report_of(retrieved)),
        "timings_ms": dict(retrieved.timings_ms),
        "corrections": dict(retrieved.corrections),
    }


def explanation_as_json(explanation: Explanation) -> Json:
    """Return what became of a document when a question was asked."""
    document = explanation.document
    return {
        "document": {
            "id": str(document.pk),
            "title": shown_name(str(document)),
            "corpus": document.corpus.slug,
            "status": document.status,
        },
        "found": explanation.found,
        "reasons": reasons_as_json(explanation.reasons),
        "passages": [_report_as_json(report) for report in explanation.passages],
        "candidates": explanation.candidates,
        "limits": dict(explanation.limits),
        "answerable": explanation.answerable,
        "legs": legs_as_json(explanation.legs),
        "timings_ms": dict(explanation.timings_ms),
    }


def _report_as_json(report: PassageReport) -> Json:
    passage = report.passage
    return {
        "chunk_id": passage.chunk_id,
        "heading": shown_name(passage.heading),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "lexical": asdict(report.lexical),
        "dense": asdict(report.dense),
        "fused": asdict(report.fused),
        "in_answer": report.in_answer,
        "reason": None if report.reason is None else asdict(report.reason),
    }


def cache_report_of(retrieved: Retrieved) -> CacheReport:
    """Return whether the passages came from the search cache, which only matches the same question."""
    age_seconds = retrieved.age_seconds
    return CacheReport() if age_seconds is None else CacheReport(hit=True, similarity=1.0, age_seconds=age_seconds)


def passages_as_json(passages: Sequence[Passage]) -> list[Json]:
    """Return the passages; the n-th is the [n] of the answer."""
    return [
        {
            "number": number,
            "chunk_id": passage.chunk_id,
            "document_id": str(passage.document_id),
            "title": shown_name(name_of(passage)),
            "source": shown_source(passage.document_source),
            "corpus": passage.corpus_slug,
            "heading": shown_name(passage.heading),
            "page": passage.page,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
            "score": passage.score,
            "legs": dict(passage.legs),
        }
        for number, passage in enumerate(passages, start=1)
    ]


def citation_as_json(citation: Citation, title: str) -> Json:
    """Return a citation with its document, under the title that its passage has."""
    return {
        "number": citation.number,
        "document": {
            "id": str(citation.document_id),
            "title": shown_name(title or citation.document_title),
            "source": shown_source(citation.document_source),
        },
        "chunk_id": citation.chunk_id,
        "heading": shown_name(citation.heading),
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "quote_markdown": shown_quote(citation.quote),
    }


def cache_as_json(report: CacheReport) -> Json:
    """Return a cache report as JSON values."""
    return {"hit": report.hit, "similarity": report.similarity, "age_seconds": report.age_seconds}


def reasons_as_json(reasons: Iterable[Reason]) -> list[Json]:
    """Return the codes and messages of reasons."""
    return [asdict(reason) for reason in reasons]


def legs_as_json(legs: Iterable[LegReport]) -> list[Json]:
    """Return the name, status and time of each leg."""
    return [asdict(leg) for leg in legs]
