"""Measures the recall of a space's index against an exact scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import CharField, QuerySet
from django.db.models.functions import MD5, Cast
from django.utils import timezone

from documents.indexing.attempts import Interrupted
from documents.models import Chunk, Corpus, Embedding, EmbeddingSpace
from documents.reindexing.coverage import live_chunks, whole
from documents.search.vector_search import dense_leg, exact_leg

TOP = 10
SAMPLE = 200
SAME_DISTANCE = 1e-4  # smaller differences are noise of half precision


def measure_recall(
    space: EmbeddingSpace, *, sample: int = SAMPLE, keep_going: Callable[[], bool] = lambda: True
) -> dict[str, Any]:
    """Return the recall@10 of searches in this space against an exact scan, and how it was measured.

    The questions are stored vectors, the same ones each time; a chunk itself is not counted as found. Chunks at equal
    distance are equally right. Raises Interrupted when `keep_going` says so.
    """
    space.corpus.refresh_from_db()
    scope = whole(space.corpus)
    shares = []
    for chunk_id in sampled_chunks(space.corpus, sample).values_list("pk", flat=True):
        if not keep_going():
            raise Interrupted
        vector = Embedding.objects.filter(space=space, chunk=chunk_id).values_list("vector", flat=True).first()
        if vector is None:
            continue
        asked = np.asarray(vector, dtype=np.float32)
        with transaction.atomic():
            right = [near for pk, near in exact_leg(scope, space, asked, TOP + 1).items() if pk != chunk_id]
            found = [near for pk, near in dense_leg(scope, space, asked, TOP + 1).items() if pk != chunk_id]
        if right[:TOP]:
            shares.append(_share_found(right[:TOP], found))
    return {
        "recall_at_10": round(float(np.mean(shares)), 4) if shares else None,
        "sample": len(shares),
        "chunks": space.corpus.chunk_count,
        "method": "exact" if scope.is_small else "index",
        "at": timezone.now().isoformat(timespec="seconds"),
    }


def sampled_chunks(corpus: Corpus, size: int) -> QuerySet[Chunk]:
    """Return a pseudo-random sample of the live chunks of a corpus, the same one each time."""
    return live_chunks(corpus).order_by(MD5(Cast("pk", CharField())))[:size]


def _share_found(right: list[float], found: list[float]) -> float:
    least = min(right) - SAME_DISTANCE
    return min(1.0, sum(near >= least for near in found) / len(right))
