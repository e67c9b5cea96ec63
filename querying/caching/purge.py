"""Empties the caches. Correctness needs no purge: see querying/caching/answers.py."""

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
class PurgeCounts:
    """The numbers of rows deleted from Postgres."""

    answers: int
    searches: int
    vectors: int


def purge(corpora: Collection[int] | None = None) -> PurgeCounts:
    """Delete all cached values, or those of some corpora, for all processes; return how many Postgres had.

    The epochs of the corpora are raised, so that no key leads to entries in Redis and in the memory of other processes.
    Question vectors belong to a model and to no corpus: they are deleted only together with everything else, and expire
    after CACHE_TTL_SECONDS in the memory of other processes.
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
    return PurgeCounts(forget_answers(answers), shared_entries.forget(entries), vectors)


def forget_documents(documents: Collection[UUID]) -> None:
    """Delete every cached answer and search with text of these documents, as a part of their deletion."""
    forget_answers(answer_table.answers_from(documents))
    shared_entries.forget(shared_entries.entries_from(documents))
    shared_entries.forget_waiting()
    search_memory().clear()
