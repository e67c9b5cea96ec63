"""The dense leg of a search: the chunks whose vectors are nearest to the question's, in one SQL statement."""

from __future__ import annotations

import numpy as np
from django.db.models import F, QuerySet
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField

from documents.models import Embedding, EmbeddingSpace
from documents.reach import Reach
from ragsite.postgres.limits import set_local

EF_SEARCH_MIN = 100
EF_SEARCH_MAX = 1000  # pgvector's limit


def dense_query(
    reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int
) -> QuerySet[Embedding, tuple[int, float]]:
    """Return the query for the nearest chunks: (id, cosine distance).

    It may name chunks that are no longer live, or not yet: while a document is indexed anew, both have vectors here.
    Looking up every chunk's version takes longer than comparing all vectors, so that is left to `score_all`.

    Only the cast column matches the space's HNSW index; ordered by the column itself, Postgres looks at every vector,
    which is quicker and exact for few. The bare distance must be the only thing it orders by, or the index is left.
    """
    within = reach.embeddings.filter(space=space)
    column = F("vector") if reach.is_small else Cast("vector", HalfVectorField(dimensions=space.dimensions))
    return (
        within.annotate(distance=CosineDistance(column, vector))
        .order_by("distance")
        .values_list("chunk_id", "distance")[:limit]
    )


def dense_leg(reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> dict[int, float]:
    """Return the cosine similarities of the nearest chunks, by id. Runs in the caller's short transaction."""
    if not reach.is_small:
        wanted = int(space.index_settings.get("ef_search", 0)) or max(EF_SEARCH_MIN, 2 * limit)
        set_local({"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": str(min(wanted, EF_SEARCH_MAX))})
    return {chunk_id: 1.0 - distance for chunk_id, distance in dense_query(reach, space, vector, limit)}
