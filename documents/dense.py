"""The dense leg of a search: the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from pgvector.django import CosineDistance

from documents.index_shape import shape_of
from documents.models import Embedding, EmbeddingSpace
from documents.reach import Reach
from ragsite.postgres.limits import set_local

Nearest = QuerySet[Embedding, tuple[int, float]]  # chunk id, cosine distance; the nearest first
# Measured with questions to 83,000 passages: 200 finds 97 % of the ten nearest, 400 98 %, 1000 99 % in twice the time.
EF_SEARCH_MIN = 400
EF_SEARCH_MAX = 1000  # pgvector's limit
BROADER = 4  # times what is asked for
# Where a part of the corpus is searched, the index gives what it meets first, in an order that is only about right:
# the more it gives, the better are the best of it (0.91 -> 0.96 where that part lies far from the questions).
FILTERED_MIN = 400
CANDIDATES_MIN = 200  # of an index of less than the whole vectors: what is put in order anew


def dense_query(reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Nearest:
    """Return the query for the nearest chunks: (id, cosine distance).

    It may name chunks that are no longer live, or not yet: while a document is indexed anew, both have vectors here.
    Looking up every chunk's version takes longer than comparing all vectors, so that is left to `score_all`.
    """
    return exact_query(reach, space, vector, limit) if reach.is_small else index_query(reach, space, vector, limit)


def exact_query(reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Nearest:
    """Return the query that looks at every vector within reach: the column itself matches no index."""
    return _nearest(reach.embeddings.filter(space=space), vector, limit)


def index_query(reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> Nearest:
    """Return the query that the space's HNSW index answers.

    The bare distance must be the only thing it orders by, or the index is left. An index of less than the whole
    vectors gives more candidates than asked for, which are then ordered by their vectors.
    """
    shape = shape_of(space)
    near = reach.embeddings.filter(space=space).annotate(distance=shape.distance(vector)).order_by("distance")
    if shape.is_whole:
        return near.values_list("chunk_id", "distance")[:limit]
    candidates = near.values("pk")[: max(CANDIDATES_MIN, shape.rerank * limit)]
    return _nearest(Embedding.objects.filter(pk__in=candidates), vector, limit)


def dense_leg(reach: Reach, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> dict[int, float]:
    """Return the cosine similarities of the nearest chunks, by id. Runs in the caller's short transaction."""
    if reach.is_small:
        return _similarities(exact_query(reach, space, vector, limit))
    shape = shape_of(space)
    fetched = max(FILTERED_MIN, BROADER * limit) if reach.is_restricted and shape.is_whole else limit
    breadth = int(space.index_settings.get("ef_search", 0)) or max(
        EF_SEARCH_MIN, (BROADER if shape.is_whole else shape.rerank) * limit
    )
    set_local({"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": str(min(breadth, EF_SEARCH_MAX))})
    found = _similarities(index_query(reach, space, vector, fetched))
    if len(found) < min(fetched, int(settings.EXACT_SCAN_MAX_CHUNKS)):
        # The scan of the index ends after hnsw.max_scan_tuples: what is within reach is little, or far away.
        return _similarities(exact_query(reach, space, vector, limit))
    return dict(sorted(found.items(), key=lambda each: -each[1])[:limit])


def _nearest(within: QuerySet[Embedding], vector: np.ndarray, limit: int) -> Nearest:
    ordered = within.annotate(distance=CosineDistance("vector", vector)).order_by("distance")
    return ordered.values_list("chunk_id", "distance")[:limit]


def _similarities(nearest: Nearest) -> dict[int, float]:
    return {chunk_id: 1.0 - distance for chunk_id, distance in nearest}
