"""Finds a cached answer to the same question in other words: near by vector, and equal in all words that matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db.models import Value
from django.utils import timezone
from pgvector.django import CosineDistance

from documents.vectors.index_layout import as_text
from querying.cachestore.hit_counters import count
from querying.cachestore.memory import CachedEntry
from querying.caching.answer_table import has_alike, kept_of
from querying.caching.answers import unless_it_fails
from querying.caching.keys import Keys
from querying.caching.semantic_limits import allowed, distance_allowed
from querying.models import CachedAnswer
from querying.paraphrase.matching import same_question
from querying.retrieval.query_embedding import embed_once
from querying.types import Question

CANDIDATES = 10  # nearest questions with the same words, whose word order is compared


@dataclass(frozen=True)
class SemanticLookup:
    """The question's vector, and the cached answer to a paraphrase of it, if there is one."""

    vector: np.ndarray | None = None
    kept: CachedEntry | None = None
    similarity: float = 0.0


def find_alike(question: Question, keys: Keys) -> SemanticLookup:
    """Return the cached answer to the same question in other words, for the same access fingerprint.

    Calls the embedding model for at most its share of the deadline; without a vector there is no answer.
    """
    if not settings.ENABLE_SEMANTIC_CACHE:
        return SemanticLookup()
    vector = unless_it_fails(lambda: _vector_of(question, keys))
    if vector is None:
        return SemanticLookup()
    found = unless_it_fails(lambda: _nearest_same(question, keys, vector))
    count("semantic", hit=found is not None, corpora=keys.standing.ids)
    return SemanticLookup(vector) if found is None else SemanticLookup(vector, *found)


def _vector_of(question: Question, keys: Keys) -> np.ndarray | None:
    space = question.corpora[0].live_space if question.corpora else None
    if space is None or space.dimensions is None:
        return None
    return embed_once(keys.question, space, question.deadline)[0]


def _nearest_same(question: Question, keys: Keys, vector: np.ndarray) -> tuple[CachedEntry, float] | None:
    if not keys.alike or not has_alike(keys.alike):
        return None
    youngest = timezone.now() - timedelta(seconds=settings.CACHE_TTL_SECONDS)
    corpora = keys.standing.ids
    kept_alike = CachedAnswer.objects.filter(alike_key=keys.alike, created_at__gt=youngest, embedding__isnull=False)
    rows = (
        allowed(kept_alike, corpora, keys.question)
        .annotate(distance=CosineDistance("embedding", Value(as_text(vector))))
        .filter(distance__lte=distance_allowed(corpora))
        .order_by("distance")
        .values_list("pk", "question", "distance")
    )
    for pk, other, distance in rows[:CANDIDATES]:
        if same_question(keys.question, other, question.language):
            row = CachedAnswer.objects.filter(pk=pk).values_list("answer", "created_at").first()
            kept = None if row is None else kept_of(*row)
            return None if kept is None else (kept, round(1 - float(distance), 4))
    return None
