"""Forgets what caches keep. Nothing has to be purged to be right: see querying/caching/answers.py."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F

from documents.models import Corpus
from querying.cachestore import shared_entries
from querying.caching import answer_table
from querying.caching.answers import forget_answers
from querying.caching.searches import search_memory
from querying.models import CachedAnswer, CacheEntry
from querying.retrieval import query_embedding


@dataclass(frozen=True)
class Purged:
    """How much Postgres had."""

    answers: int
    searches: int
    vectors: int


def purge(corpora: Collection[int] | None = None) -> Purged:
    """Forget everything, or what is from some corpora, for all processes; return how much that was in Postgres.

    The corpora's epochs are raised: what Redis and other processes have in memory is found by nobody any more. Vectors
    of questions belong to a model and to no corpus, so they go with everything only, and in other processes' memory
    they end with CACHE_TTL_SECONDS.
    """
    rows = Corpus.objects.all() if corpora is None else Corpus.objects.filter(pk__in=corpora)
    with transaction.atomic():
        for pk in rows.order_by("pk").values_list("pk", flat=True):
            Corpus.objects.filter(pk=pk).update(epoch=F("epoch") + 1)
    vectors = 0
    if corpora is None:
        vectors = shared_entries.forget_vectors()
        query_embedding.forget_all()
    entries = CacheEntry.objects.all() if corpora is None else shared_entries.entries_about(corpora)
    answers = CachedAnswer.objects.all() if corpora is None else answer_table.answers_about(corpora)
    shared_entries.forget_waiting()
    search_memory().clear()
    return Purged(forget_answers(answers), shared_entries.forget(entries), vectors)


def forget_documents(documents: Collection[UUID]) -> None:
    """Delete every kept answer and search that has text of these documents. Part of their deletion."""
    forget_answers(answer_table.answers_from(documents))
    shared_entries.forget(shared_entries.entries_from(documents))
    shared_entries.forget_waiting()
    search_memory().clear()
