"""Runs the dense leg of a search: finds the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

import numpy as np
from django.conf import settings

from documents.models import EmbeddingSpace
from documents.search.search_scope import SearchScope
from documents.search.vector_sql import exact_rows, index_rows
from documents.vectors.index_layout import shape_of
from ragsite.postgres.compiled_queries import Compiled
from ragsite.postgres.limits import set_local

# Measured with short questions to 100,000 passages: 400 finds 92 to 95 % of the ten nearest, and for some none of them;
# 800 finds 99 %, 2 ms later.
EF_SEARCH_MIN = 800
EF_SEARCH_MAX = 1000  # pgvector's limit
BROADER = 4  # times what is asked for
# In a restricted scope, the iterative scan of the index returns rows in an approximate order: the more rows are read,
# the better are the best of them (recall 0.91 -> 0.96 where the scope lies far from the questions).
FILTERED_MIN = 400


def dense_statement(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Compiled:
    """Return the statement for the nearest chunks: (chunk id, document id, cosine distance), the nearest first.

    It may return chunks of versions that are not live: while a document is reindexed, both versions have vectors.
    Checking every chunk's version takes longer than comparing all vectors, so `score_all` does that.
    """
    how = exact_statement if scope.is_small else index_statement
    return how(scope, space, vector, limit)


def exact_statement(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Compiled:
    """Return the statement that compares every vector within scope."""
    if not (scope.is_small and scope.is_known):
        return exact_rows(space, scope.vectors, vector, limit)
    # Rights are checked for the best rows only, until there are enough.
    nearest, listed = exact_rows(space, scope.listed, vector, None)
    within, given = scope.vectors
    sql = f"SELECT * FROM ({nearest} OFFSET 0) AS nearest WHERE {within} ORDER BY distance LIMIT {int(limit)}"
    return sql, (*listed, *given)


def index_statement(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Compiled:
    """Return the statement that the space's HNSW index answers."""
    return index_rows(space, scope.vectors, vector, limit)


def exact_leg(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> dict[int, float]:
    """Return the cosine similarities of the nearest chunks, by id, from an exact scan."""
    return _similarities(scope, exact_statement(scope, space, vector, limit))


def dense_leg(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> dict[int, float]:
    """Return the cosine similarities of the nearest chunks, by id. Runs in the caller's short transaction."""
    if scope.is_small:
        return exact_leg(scope, space, vector, limit)
    shape = shape_of(space)
    fetched = max(FILTERED_MIN, BROADER * limit) if scope.is_restricted and shape.is_whole else limit
    breadth = int(space.index_settings.get("ef_search", 0)) or max(
        EF_SEARCH_MIN, (BROADER if shape.is_whole else shape.rerank) * limit
    )
    set_local({"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": str(min(breadth, EF_SEARCH_MAX))})
    found = _similarities(scope, index_statement(scope, space, vector, fetched))
    if len(found) < min(fetched, int(settings.EXACT_SCAN_MAX_CHUNKS)):
        # The scan of the index ended at hnsw.max_scan_tuples: few rows are within scope, or they are far away.
        return exact_leg(scope, space, vector, limit)
    return dict(sorted(found.items(), key=lambda each: -each[1])[:limit])


def _similarities(scope: SearchScope, nearest: Compiled) -> dict[int, float]:
    return {chunk_id: 1.0 - distance for chunk_id, _, distance in scope.rows_of(nearest)}
