"""Stores answers in Postgres: for all processes, across restarts, and as stale answers for the time of an outage."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from documents.vectors.index_layout import as_text
from querying.cachestore.memory import CachedEntry
from querying.caching.keys import Keys
from querying.caching.serialization import Packed, unpack
from querying.models import CachedAnswer
from ragsite.postgres.compiled_queries import rows_of
from ragsite.postgres.thread_connection import preparing_cursor

# Written by hand: each is run for every question that is not in memory, and the ORM took longer to build it than
# Postgres to run it.
_LOAD = "SELECT answer::text, created_at FROM querying_cachedanswer WHERE key = %s AND created_at > %s"
_HAS_ALIKE = (
    "SELECT 1 FROM querying_cachedanswer WHERE alike_key = %s AND created_at > %s AND embedding IS NOT NULL LIMIT 1"
)
_KEEP = """
INSERT INTO querying_cachedanswer
    (key, stale_key, alike_key, question, answer, corpora, documents, embedding, hits, created_at, last_used)
VALUES (
    %(key)s, %(stale_key)s, %(alike_key)s, %(question)s, %(answer)s::jsonb, %(corpora)s::bigint[],
    %(documents)s::uuid[], %(embedding)s::halfvec, 0, %(created_at)s, %(created_at)s
)
ON CONFLICT (key) DO UPDATE SET
    answer = excluded.answer, documents = excluded.documents, embedding = excluded.embedding,
    created_at = excluded.created_at, last_used = excluded.last_used
"""
PRUNE_EVERY = 100  # answers stored, per process

_lock = threading.Lock()
_stored_since_pruning = 0


def load(key: str) -> CachedEntry | None:
    """Return the answer under this key; None: there is none, or it has expired."""
    youngest = timezone.now() - timedelta(seconds=settings.CACHE_TTL_SECONDS)
    rows = rows_of((_LOAD, (key, youngest)))
    return kept_of(json.loads(rows[0][0]), rows[0][1]) if rows else None


def has_alike(alike_key: str) -> bool:
    """Return whether the table has an answer that may be one to the same question in other words."""
    youngest = timezone.now() - timedelta(seconds=settings.CACHE_TTL_SECONDS)
    return bool(rows_of((_HAS_ALIKE, (alike_key, youngest))))


def load_stale(stale_key: str) -> CachedEntry | None:
    """Return the newest answer to this question from any state of the documents, within STALE_TTL_SECONDS."""
    youngest = timezone.now() - timedelta(seconds=settings.STALE_TTL_SECONDS)
    rows = CachedAnswer.objects.filter(stale_key=stale_key, created_at__gt=youngest).order_by("-created_at")
    row = rows.values_list("answer", "created_at").first()
    return None if row is None else kept_of(*row)


def kept_of(packed: Packed, created_at: datetime) -> CachedEntry | None:
    """Return the answer of a row; None: an older version has written it."""
    try:
        return CachedEntry(unpack(packed), created_at.timestamp(), len(json.dumps(packed)))
    except ValueError:
        return None


def keep(keys: Keys, packed: Packed, text: str, made_at: float, embedding: np.ndarray | None) -> None:
    """Store an answer, in place of one under the same key; `text` is `packed` as JSON."""
    created_at = datetime.fromtimestamp(made_at, UTC)
    row = {
        "key": keys.exact,
        "stale_key": keys.stale,
        "alike_key": keys.alike,
        "question": keys.question,
        "answer": text,
        "corpora": [pk for pk, _, _ in keys.standing.corpora],
        "documents": sorted({each["document_id"] for part in ("passages", "citations") for each in packed[part]}),
        "embedding": None if embedding is None else as_text(embedding),
        "created_at": created_at,
    }
    with preparing_cursor() as cursor:
        cursor.execute(_KEEP, row)
    _prune_sometimes()


def count_hits(key: str, hits: int) -> None:
    """Add hits to the row of an answer."""
    CachedAnswer.objects.filter(pk=key).update(hits=F("hits") + hits, last_used=timezone.now())


def forget(rows: QuerySet[CachedAnswer]) -> list[str]:
    """Delete rows, and return their keys."""
    keys = list(rows.values_list("pk", flat=True))
    CachedAnswer.objects.filter(pk__in=keys).delete()
    return keys


def answers_from(documents: Collection[UUID]) -> QuerySet[CachedAnswer]:
    """Return the answers with text of any of these documents."""
    return CachedAnswer.objects.filter(documents__overlap=list(documents))


def answers_about(corpora: Iterable[int]) -> QuerySet[CachedAnswer]:
    """Return the answers from any of these corpora."""
    return CachedAnswer.objects.filter(corpora__overlap=list(corpora))


def prune() -> int:
    """Delete expired answers, and the least recently used beyond CACHE_MAX_ANSWERS; return the number of rows."""
    longest = max(settings.STALE_TTL_SECONDS, settings.CACHE_TTL_SECONDS)
    oldest = timezone.now() - timedelta(seconds=longest)
    gone = CachedAnswer.objects.filter(created_at__lte=oldest).delete()[0]
    beyond = CachedAnswer.objects.order_by("-last_used").values("pk")[settings.CACHE_MAX_ANSWERS :]
    return gone + CachedAnswer.objects.filter(pk__in=list(beyond.values_list("pk", flat=True))).delete()[0]


def _prune_sometimes() -> None:
    global _stored_since_pruning
    with _lock:
        _stored_since_pruning += 1
        due = _stored_since_pruning >= PRUNE_EVERY
        if due:
            _stored_since_pruning = 0
    if due:
        prune()
