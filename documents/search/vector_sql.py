"""Compiles the ORM's queries for the nearest vectors once each: compiling takes longer than running them.

The vector of a question and the condition of its search scope are inserted into the compiled template.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from cachetools import LRUCache
from django.db.models import BooleanField, Func, QuerySet
from pgvector import Vector
from pgvector.django import CosineDistance

from documents.models import Embedding, EmbeddingSpace
from documents.vectors.index_layout import IndexShape, as_bits, as_text, shape_of
from ragsite.postgres.compiled_queries import Compiled, compiled, with_literal

TEMPLATES_KEPT = 1000
CANDIDATES_MIN = 200  # of an index of shortened vectors: what is ordered again by whole vectors
_HERE = "'within scope' IS NOT NULL"  # placeholder of the condition; occurs nowhere else
_lock = threading.Lock()
_templates: LRUCache[Hashable, Template] = LRUCache(TEMPLATES_KEPT)
Rows = QuerySet[Embedding, Any]


class Within(Func):
    """Placeholder in an ORM query for the condition that a row is within scope."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the placeholder, which `Template.filled` replaces."""
        return _HERE, []


class Put(Enum):
    """The form of the question's vector that a value is replaced with."""

    WHOLE, SHOWN, BITS = range(3)


@dataclass(frozen=True)
class Template:
    """A compiled query before and after its condition, with its values; a `Put` among them stands for a vector."""

    before: Compiled
    behind: Compiled

    def filled(self, condition: Compiled, vector: np.ndarray, shape: IndexShape) -> Compiled:
        """Return the statement for this vector and condition."""

        def value(given: Any) -> Any:
            if not isinstance(given, Put):
                return given
            if given is Put.WHOLE:
                return as_text(vector)
            return as_text(vector[: shape.first]) if given is Put.SHOWN else as_bits(vector[: shape.first])

        values = (*map(value, self.before[1]), *condition[1], *map(value, self.behind[1]))
        return f"{self.before[0]}{condition[0]}{self.behind[0]}", values


def exact_rows(space: EmbeddingSpace, condition: Compiled, vector: np.ndarray, limit: int | None) -> Compiled:
    """Return the statement that compares every vector: (chunk id, document id, cosine distance), the nearest first."""

    def write(zeros: np.ndarray, shape: IndexShape) -> Rows:
        return _nearest(_of(space), zeros, limit)

    return _template(("exact", limit), space, write).filled(condition, vector, shape_of(space))


def index_rows(space: EmbeddingSpace, condition: Compiled, vector: np.ndarray, limit: int) -> Compiled:
    """Return the statement that the space's HNSW index answers: (chunk id, document id, cosine distance).

    The bare distance must be the only ORDER BY term, or Postgres doesn't use the index. An index of shortened vectors
    gives more candidates than asked for, which are then ordered by their whole vectors.
    """

    def write(zeros: np.ndarray, shape: IndexShape) -> Rows:
        near = _of(space).annotate(distance=shape.distance(zeros)).order_by("distance")
        if shape.is_whole:
            return near.values_list("chunk_id", "document_id", "distance")[:limit]
        candidates = near.values("pk")[: max(CANDIDATES_MIN, shape.rerank * limit)]
        return _nearest(Embedding.objects.filter(pk__in=candidates), zeros, limit)

    return _template(("index", limit), space, write).filled(condition, vector, shape_of(space))


def _of(space: EmbeddingSpace) -> QuerySet[Embedding]:
    return Embedding.objects.filter(Within(), space=space)


def _nearest(rows: QuerySet[Embedding], vector: np.ndarray, limit: int | None) -> Rows:
    # The bare column, for which there is no index: an exact scan.
    ordered = rows.annotate(distance=CosineDistance("vector", vector)).order_by("distance")
    return ordered.values_list("chunk_id", "document_id", "distance")[:limit]


def _template(
    kind: tuple[str, int | None], space: EmbeddingSpace, write: Callable[[np.ndarray, IndexShape], Rows]
) -> Template:
    """Return the template of the query that `write` returns, compiled once per space and number of rows.

    Both are literals in its text: partial indexes need that, and a cached plan is then made for them.
    """
    shape = shape_of(space)
    key = (*kind, space.pk, shape)
    with _lock:
        known = _templates.get(key)
    if known is None:
        known = _made_of(write(np.zeros(shape.dimensions, dtype=np.float32), shape), space, shape)
        with _lock:
            _templates[key] = known
    return known


def _made_of(rows: Rows, space: EmbeddingSpace, shape: IndexShape) -> Template:
    whole, shown = np.zeros(shape.dimensions, dtype=np.float32), np.zeros(shape.first, dtype=np.float32)
    puts = {as_bits(shown): Put.BITS, Vector(shown).to_text(): Put.SHOWN, Vector(whole).to_text(): Put.WHOLE}
    sql, values = with_literal(compiled(rows), space.pk)
    before, here, behind = sql.partition(_HERE)
    assert here, "the query leaves no room for a condition"
    given = tuple(puts.get(each, each) if isinstance(each, str) else each for each in values)
    assert any(isinstance(each, Put) for each in given), "the query leaves no room for a vector"
    count = before.count("%s")
    return Template((before, given[:count]), (behind, given[count:]))
