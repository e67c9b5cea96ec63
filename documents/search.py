"""The legs of a search: lexical (BM25) and dense (vectors), each one SQL statement over what the asker may read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import FloatField, OuterRef, QuerySet, Subquery, Value
from pgvector.django import CosineDistance

from documents.models import Chunk, Embedding, EmbeddingSpace
from documents.ranking import Bm25, Choice, WeightedTerm, average_length
from documents.reach import Reach


@dataclass(frozen=True)
class Scores:
    """A chunk's exact scores. None: the leg has none for it."""

    lexical: float | None
    dense: float | None  # cosine similarity


@dataclass(frozen=True)
class Found:
    """A chunk with its text and what is shown of its document."""

    chunk_id: int
    document_id: UUID
    document_title: str
    document_source: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str
    lexeme_count: int


def lexical_query(reach: Reach, choice: Choice, limit: int) -> QuerySet[Chunk, tuple[int, float]]:
    """Return the query for the best chunks by BM25 among those that the choice of terms picks: (id, score)."""
    score = Bm25(choice.weighted, average_length(reach.corpus))
    found = reach.chunks.filter(terms__overlap=list(choice.terms)).annotate(score=score).values_list("pk", "score")
    if choice.fill_term is not None:
        # Its chunks are all alike to it, so that any of them will do when there is nothing better.
        some = reach.chunks.filter(terms__contains=[choice.fill_term]).values("pk")[: choice.fill_limit]
        filled = Chunk.objects.filter(pk__in=some).annotate(score=score).values_list("pk", "score")
        found = found.union(filled) if choice.terms else filled
    return found.order_by("-score")[:limit]


def lexical_leg(reach: Reach, choice: Choice, limit: int) -> dict[int, float]:
    """Return the BM25 scores of the best chunks, by id."""
    if not choice.weighted:  # no word of the question occurs anywhere
        return {}
    return dict(lexical_query(reach, choice, limit))


def score_all(
    reach: Reach,
    chunk_ids: Collection[int],
    weighted: tuple[WeightedTerm, ...],
    space: EmbeddingSpace | None,
    vector: np.ndarray | None,
) -> dict[int, Scores]:
    """Return the exact scores of both legs for these chunks, by id; chunks out of reach are left out."""
    lexical = Bm25(weighted, average_length(reach.corpus)) if weighted else Value(None, output_field=FloatField())
    distance: Subquery | Value = Value(None, output_field=FloatField())
    if space is not None and vector is not None:
        own = Embedding.objects.filter(space=space, chunk=OuterRef("pk"))
        distance = Subquery(own.values(distance=CosineDistance("vector", vector)))
    rows = reach.chunks.filter(pk__in=chunk_ids).annotate(lexical=lexical, distance=distance)
    return {
        chunk_id: Scores(score, None if apart is None else 1.0 - apart)
        for chunk_id, score, apart in rows.values_list("pk", "lexical", "distance")
    }


def load(reach: Reach, chunk_ids: Collection[int]) -> dict[int, Found]:
    """Return these chunks by id; what went out of reach since it was found is left out."""
    rows = reach.chunks.filter(pk__in=chunk_ids).values_list(
        "pk", "document_id", "document__title", "document__source", "heading", "page", "start", "end", "text",
        "lexeme_count",
    )  # fmt: skip
    return {row[0]: Found(*row) for row in rows}


def terms_of(chunk_id: int) -> frozenset[int]:
    """Return the terms of a chunk that was found; none when it is gone."""
    terms = Chunk.objects.filter(pk=chunk_id).values_list("terms", flat=True).first()
    return frozenset(terms or ())


@contextmanager
def snapshot() -> Iterator[None]:
    """Let all statements of the block see the database as it is now, whatever is committed meanwhile."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # else it isn't ours, and too late: it must be the transaction's first statement
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
