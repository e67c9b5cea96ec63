"""Counts hits and misses of the caches: per layer in the metrics, per layer and corpus in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone
from prometheus_client import Counter

from querying.cachestore import background_writer
from querying.models import CacheCount
from ragsite.metrics import CACHE_QUESTIONS, CACHE_REQUESTS
from ragsite.postgres.limits import bounded_transaction
from ragsite.process_memory import on_reset

QUESTIONS = "questions"  # the layer that counts whole questions, for all caches together
PERIOD_SECONDS = 600
KEPT_DAYS = 8
MAX_WAITING = 10_000  # pairs of corpus and layer; beyond that, new ones are not counted until the database is back

_ADD = """
INSERT INTO querying_cachecount AS kept (corpus_id, layer, since, hits, misses)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[])
ON CONFLICT (corpus_id, layer, since)
DO UPDATE SET hits = kept.hits + excluded.hits, misses = kept.misses + excluded.misses
"""

Key = tuple[int, str, datetime]  # corpus, layer, beginning of the period


@dataclass
class _Count:
    hits: int = 0
    misses: int = 0


@dataclass(frozen=True)
class Rate:
    """Hits and misses of a layer."""

    layer: str
    hits: int
    misses: int

    @property
    def share(self) -> float | None:
        """Return the share of hits, 0..1; None: there were no look-ups."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    @property
    def percent(self) -> int | None:
        """Return the share of hits in percent; None: there were no look-ups."""
        return None if self.share is None else round(100 * self.share)


class CountBuffer:
    """The counts of this process that are not stored yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Key, _Count] = {}
        self._pruned_at: datetime | None = None

    def add(self, layer: str, corpora: Iterable[int], *, hit: bool) -> None:
        """Count a hit or a miss of a layer for each corpus."""
        since = _period_number(int(time.time()) // PERIOD_SECONDS)
        with self._lock:
            for corpus_id in corpora:
                key = (corpus_id, layer, since)
                count = self._waiting.get(key)
                if count is None:
                    if len(self._waiting) >= MAX_WAITING:
                        continue
                    count = self._waiting[key] = _Count()
                count.hits += hit
                count.misses += not hit
            waits = bool(self._waiting)
        if waits:
            background_writer.begin()

    def store(self) -> None:
        """Add the buffered counts to the table. Raises DatabaseError, and keeps them then."""
        with self._lock:
            batch, self._waiting = self._waiting, {}
        if not batch:
            return
        try:
            with bounded_transaction(background_writer.STATEMENT_SECONDS):
                _add(batch)
                self._prune()
        except BaseException:
            self._put_back(batch)
            raise

    def forget(self) -> None:
        """Drop the buffered counts."""
        with self._lock:
            self._waiting.clear()

    def _put_back(self, batch: Mapping[Key, _Count]) -> None:
        with self._lock:
            for key, count in batch.items():
                newer = self._waiting.setdefault(key, _Count())
                newer.hits += count.hits
                newer.misses += count.misses

    def _prune(self) -> None:
        now = timezone.now()
        if self._pruned_at is None or now - self._pruned_at > timedelta(hours=1):
            self._pruned_at = now
            CacheCount.objects.filter(since__lt=now - timedelta(days=KEPT_DAYS)).delete()


_counts = CountBuffer()
background_writer.store_later(_counts.store)
on_reset(_counts.forget)


@cache
def _requests(layer: str, outcome: str) -> Counter:
    return CACHE_REQUESTS.labels(layer=layer, outcome=outcome)


@cache
def _questions(outcome: str) -> Counter:
    return CACHE_QUESTIONS.labels(outcome=outcome)


def count(layer: str, *, hit: bool, corpora: Iterable[int] = ()) -> None:
    """Count a look-up in a layer for these corpora."""
    _requests(layer, "hit" if hit else "miss").inc()
    _counts.add(layer, corpora, hit=hit)


def count_question(*, hit: bool, corpora: Iterable[int] = ()) -> None:
    """Count a question that may be answered from a cache, as a hit or a miss of all caches together."""
    _questions("hit" if hit else "miss").inc()
    _counts.add(QUESTIONS, corpora, hit=hit)


def rates_of(corpus_id: int, *, since: datetime) -> list[Rate]:
    """Return the rate of each layer for a corpus since then (in periods of ten minutes), in the order of look-ups."""
    rows = CacheCount.objects.filter(corpus_id=corpus_id, since__gte=_period(since))
    found: dict[str, _Count] = {}
    for layer, hits, misses in rows.values_list("layer", "hits", "misses"):
        count = found.setdefault(layer, _Count())
        count.hits += hits
        count.misses += misses
    order = {layer: place for place, layer in enumerate(LAYERS)}
    layers = sorted(found, key=lambda layer: (order.get(layer, len(order)), layer))
    return [Rate(layer, found[layer].hits, found[layer].misses) for layer in layers]


LAYERS = {
    QUESTIONS: "whole questions, from any cache",
    "memory": "answers, in memory",
    "flight": "answers, shared with a concurrent request",
    "redis": "answers, in Redis",
    "postgres": "answers, in Postgres",
    "semantic": "answers, to the same question in other words",
    "stale": "answers, older ones while the model is away",
    "search": "search results, in memory",
    "search_shared": "search results, in Redis or Postgres",
    "vectors": "question vectors, in memory",
    "vectors_shared": "question vectors, in Redis or Postgres",
}


def _period(moment: datetime) -> datetime:
    return _period_number(int(moment.timestamp()) // PERIOD_SECONDS)


@lru_cache(maxsize=2)  # it is needed for every question
def _period_number(number: int) -> datetime:
    return datetime.fromtimestamp(number * PERIOD_SECONDS, tz=UTC)


def _add(batch: Mapping[Key, _Count]) -> None:
    # Sorted, so that two processes that add to the same rows can't deadlock.
    keys = sorted(batch)
    columns: list[Any] = [
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
        [batch[key].hits for key in keys],
        [batch[key].misses for key in keys],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, columns)
