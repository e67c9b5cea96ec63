"""Shares search results and question vectors between processes: in Redis if REDIS_URL is set, else in Postgres.

Redis is written at once, Postgres in the background. Values are JSON: with pickle, write access to a cache would allow
code execution.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import caches
from django.db.models import QuerySet
from django.utils import timezone

from documents.models import Document
from querying.cachestore import background_writer
from querying.models import CacheEntry
from ragsite.postgres.compiled_queries import rows_of
from ragsite.postgres.limits import bounded_transaction
from ragsite.process_memory import on_reset

Kind = CacheEntry.Kind
MAX_VALUE_BYTES = 512 * 1024  # as JSON
MAX_WAITING = 500  # entries buffered for Postgres; beyond that, the oldest are dropped
PRUNE_EVERY = 100  # entries stored, per process


@dataclass(frozen=True)
class SharedEntry:
    """A value, and when it was made (seconds since 1970, because processes share it)."""

    value: Any
    made_at: float

    @property
    def is_young(self) -> bool:
        """Return whether the value has not expired."""
        return bool(time.time() - self.made_at <= settings.CACHE_TTL_SECONDS)


def load(kind: Kind, key: str) -> SharedEntry | None:
    """Return the entry under this key; None: there is none, or it has expired. Raises what the database raises."""
    found = _load_from_redis(kind, key) if settings.REDIS_URL else _load_from_postgres(key)
    return found if found is not None and found.is_young else None


def keep(kind: Kind, key: str, value: Any, *, corpora: Iterable[int] = (), documents: Iterable[UUID] = ()) -> None:
    """Store a value for all processes. Never raises, and never waits for Postgres."""
    if len(json.dumps(value)) > MAX_VALUE_BYTES:
        return
    made_at = time.time()
    if settings.REDIS_URL:
        stored = {"value": value, "made_at": made_at}
        caches["default"].set(_name(kind, key), stored, timeout=settings.CACHE_TTL_SECONDS)
        return
    entry = CacheEntry(
        key=key,
        kind=kind,
        value=value,
        corpora=sorted(corpora),
        documents=sorted(documents),
        created_at=datetime.fromtimestamp(made_at, UTC),
    )
    _waiting.add(entry)
    background_writer.begin()


def forget(entries: QuerySet[CacheEntry]) -> int:
    """Delete entries in Postgres; return how many. Those in Redis expire, and no key leads to them."""
    return entries.delete()[0]


def forget_vectors() -> int:
    """Delete all question vectors; return how many Postgres had."""
    if settings.REDIS_URL:
        redis: Any = caches["default"]
        redis.delete_pattern(_name(Kind.VECTOR, "*"))
    return forget(CacheEntry.objects.filter(kind=Kind.VECTOR))


def entries_from(documents: Collection[UUID]) -> QuerySet[CacheEntry]:
    """Return the entries with text of any of these documents."""
    return CacheEntry.objects.filter(documents__overlap=list(documents))


def entries_about(corpora: Iterable[int]) -> QuerySet[CacheEntry]:
    """Return the entries of searches in any of these corpora."""
    return CacheEntry.objects.filter(corpora__overlap=list(corpora))


def prune() -> int:
    """Delete expired entries, and the oldest beyond CACHE_MAX_ANSWERS of a kind; return the number of rows."""
    oldest = timezone.now() - timedelta(seconds=settings.CACHE_TTL_SECONDS)
    gone = CacheEntry.objects.filter(created_at__lte=oldest).delete()[0]
    for kind in Kind:
        beyond = CacheEntry.objects.filter(kind=kind).order_by("-created_at")[settings.CACHE_MAX_ANSWERS :]
        gone += CacheEntry.objects.filter(pk__in=list(beyond.values_list("pk", flat=True))).delete()[0]
    return gone


class EntryBuffer:
    """The entries of this process that are not in Postgres yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, CacheEntry] = {}
        self._stored_since_pruning = 0

    def add(self, entry: CacheEntry) -> None:
        """Buffer an entry, in place of the oldest one if there are too many."""
        with self._lock:
            self._entries.pop(entry.key, None)
            self._entries[entry.key] = entry
            if len(self._entries) > MAX_WAITING:
                del self._entries[next(iter(self._entries))]

    def forget(self) -> None:
        """Drop all buffered entries."""
        with self._lock:
            self._entries.clear()

    def store(self) -> None:
        """Store the buffered entries. Those that the database refuses are dropped."""
        with self._lock:
            batch, self._entries = sorted(self._entries.values(), key=lambda entry: entry.key), {}
        if not batch:
            return
        with bounded_transaction(background_writer.STATEMENT_SECONDS):
            CacheEntry.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["key"],
                update_fields=["value", "corpora", "documents", "created_at"],
            )
        _delete_entries_of_deleted_documents(batch)
        self._prune_sometimes(len(batch))

    def _prune_sometimes(self, kept: int) -> None:
        self._stored_since_pruning += kept
        if self._stored_since_pruning >= PRUNE_EVERY:
            self._stored_since_pruning = 0
            with bounded_transaction(background_writer.STATEMENT_SECONDS):
                prune()


_waiting = EntryBuffer()
background_writer.store_later(_waiting.store)


def forget_waiting() -> None:
    """Drop the entries that this process has not stored yet."""
    _waiting.forget()


on_reset(forget_waiting)


def _delete_entries_of_deleted_documents(batch: Collection[CacheEntry]) -> None:
    """Delete the stored entries of documents that were deleted before.

    No key leads to them, because the epoch has changed; but text of deleted documents must not stay in the table.
    Called after the insert: a later deletion of the document deletes its entries itself.
    """
    documents = {document for entry in batch for document in entry.documents}
    if not documents:
        return
    there = set(Document.objects.filter(pk__in=documents, deleted_at=None).values_list("pk", flat=True))
    if documents - there:
        forget(entries_from(documents - there))


def _load_from_postgres(key: str) -> SharedEntry | None:
    rows = rows_of(("SELECT value::text, created_at FROM querying_cacheentry WHERE key = %s", (key,)))
    return SharedEntry(json.loads(rows[0][0]), rows[0][1].timestamp()) if rows else None


def _load_from_redis(kind: Kind, key: str) -> SharedEntry | None:
    try:
        stored = caches["default"].get(_name(kind, key))
        return SharedEntry(stored["value"], float(stored["made_at"]))
    except (TypeError, KeyError, ValueError):  # a miss, or a value of an unknown form
        return None


def _name(kind: Kind, key: str) -> str:
    return f"{kind.value}:{key}"
