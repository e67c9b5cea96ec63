"""Keeps answers and searches in the memory of this process: an LRU cache, bounded in bytes and in entries."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from cachetools import LRUCache
from django.conf import settings

from querying.types import Answer
from ragsite.per_process import PerProcess
from ragsite.process_memory import on_reset

MAX_ENTRIES = 2000  # also when they are tiny: an object weighs more than its text


@dataclass(frozen=True)
class CachedEntry:
    """An answer, and when it was made (seconds since 1970, because processes share it)."""

    answer: Answer
    made_at: float
    size_bytes: int = 0
    # The part of a reply that is the same each time, by the kind of reply; filled in by querying/api/replying.py.
    written: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def age_seconds(self) -> float:
        """Return how old the answer is."""
        return max(0.0, time.time() - self.made_at)


class Entry(Protocol):
    """An entry of a MemoryCache."""

    @property
    def size_bytes(self) -> int:
        """Return about how much memory the entry takes."""

    @property
    def age_seconds(self) -> float:
        """Return how old the entry is."""


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class MemoryUsage:
    """How full a cache is."""

    entries: int
    bytes: int
    max_bytes: int


class MemoryCache(Generic[E]):
    """An LRU cache whose entries expire after CACHE_TTL_SECONDS. Its lock is held for single look-ups only."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._hits: dict[str, int] = {}
        self._entries: LRUCache[str, E] = LRUCache(
            max(1, max_bytes), getsizeof=lambda entry: max(entry.size_bytes, max_bytes // MAX_ENTRIES, 1)
        )

    def get(self, key: str) -> E | None:
        """Return the entry under this key, if it has not expired."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.age_seconds > settings.CACHE_TTL_SECONDS:
                del self._entries[key]
                return None
            return entry

    def put(self, key: str, entry: E) -> None:
        """Store an entry, in place of the least recently used ones; one larger than the whole cache is not stored."""
        with self._lock:
            if self._entries.getsizeof(entry) <= self._entries.maxsize:
                self._entries[key] = entry

    def count_hit(self, key: str) -> int:
        """Count a hit, and return how many to store now: at the 1st, 2nd, 4th, 8th ... hit of a key, else 0."""
        with self._lock:
            if len(self._hits) > MAX_ENTRIES:
                self._hits.clear()
            count = self._hits[key] = self._hits.get(key, 0) + 1
        return count - count // 2 if count & (count - 1) == 0 else 0

    def usage(self) -> MemoryUsage:
        """Return the number of entries and their bytes."""
        with self._lock:
            return MemoryUsage(
                len(self._entries), sum(entry.size_bytes for entry in self._entries.values()), self.max_bytes
            )

    def clear(self) -> None:
        """Delete all entries."""
        with self._lock:
            self._entries.clear()
            self._hits.clear()


memory: PerProcess[int, MemoryCache[CachedEntry]] = PerProcess(MemoryCache, lambda: settings.CACHE_MEMORY_BYTES)


def forget_all() -> None:
    """Forget every answer of this process."""
    memory().clear()


on_reset(forget_all)
