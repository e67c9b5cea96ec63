"""What is kept in this process's memory: bounded in bytes and number, never locked for longer than a look-up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from cachetools import LRUCache
from django.conf import settings

from querying.types import Answer
from ragsite.process_memory import on_reset

MAX_ENTRIES = 2000  # also when they are tiny: an object weighs more than its text


@dataclass(frozen=True)
class CachedEntry:
    """An answer, and when it was made (seconds since 1970: processes share it)."""

    answer: Answer
    made_at: float
    size_bytes: int = 0
    # The part of a reply that is always the same, by the kind of reply. Written by who sends it.
    written: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def age_seconds(self) -> float:
        """Return how old the answer is."""
        return max(0.0, time.time() - self.made_at)


class Entry(Protocol):
    """What can be kept: it knows its size and age."""

    @property
    def size_bytes(self) -> int:
        """How much room it takes, about."""

    @property
    def age_seconds(self) -> float:
        """How old it is."""


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Usage:
    """How full a memory is."""

    entries: int
    bytes: int
    max_bytes: int


class MemoryCache(Generic[E]):
    """What was used last."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._hits: dict[str, int] = {}
        self._entries: LRUCache[str, E] = LRUCache(
            max(1, max_bytes), getsizeof=lambda entry: max(entry.size_bytes, max_bytes // MAX_ENTRIES, 1)
        )

    def get(self, key: str) -> E | None:
        """Return what is kept under this key, if it is young enough to be given."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.age_seconds > settings.CACHE_TTL_SECONDS:
                del self._entries[key]
                return None
            return entry

    def put(self, key: str, entry: E) -> None:
        """Keep something; what was not used for longest makes room. What is larger than all room is not kept."""
        with self._lock:
            if self._entries.getsizeof(entry) <= self._entries.maxsize:
                self._entries[key] = entry

    def count_hit(self, key: str) -> int:
        """Count a hit, and return how many are worth writing down now: at the 1st, 2nd, 4th, 8th ... of a key."""
        with self._lock:
            if len(self._hits) > MAX_ENTRIES:
                self._hits.clear()
            count = self._hits[key] = self._hits.get(key, 0) + 1
        return count - count // 2 if count & (count - 1) == 0 else 0

    def usage(self) -> Usage:
        """Return how full it is."""
        with self._lock:
            return Usage(len(self._entries), sum(entry.size_bytes for entry in self._entries.values()), self.max_bytes)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._hits.clear()


class OfThisProcess(Generic[E]):
    """The one memory of its kind in this process, as large as CACHE_MEMORY_BYTES says now."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._memory: MemoryCache[E] | None = None

    def __call__(self) -> MemoryCache[E]:
        """Return the memory."""
        with self._making:
            if self._memory is None or self._memory.max_bytes != settings.CACHE_MEMORY_BYTES:
                self._memory = MemoryCache(settings.CACHE_MEMORY_BYTES)
            return self._memory

    def clear(self) -> None:
        """Forget everything."""
        self().clear()


memory: OfThisProcess[CachedEntry] = OfThisProcess()  # of answers
on_reset(memory.clear)
