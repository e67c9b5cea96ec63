"""Answers in this process's memory: bounded in bytes and number, and never locked for longer than a look-up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from cachetools import LRUCache
from django.conf import settings

from querying.values import Answer

MAX_ANSWERS = 2000  # also when they are tiny: an object weighs more than its text


@dataclass(frozen=True)
class Kept:
    """An answer, and when it was made (seconds since 1970: processes share it)."""

    answer: Answer
    made_at: float
    size_bytes: int = 0

    @property
    def age_seconds(self) -> float:
        """Return how old the answer is."""
        return max(0.0, time.time() - self.made_at)


class MemoryCache:
    """The answers that were given last."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._hits: dict[str, int] = {}
        self._entries: LRUCache[str, Kept] = LRUCache(
            max(1, max_bytes), getsizeof=lambda kept: max(kept.size_bytes, max_bytes // MAX_ANSWERS, 1)
        )

    def get(self, key: str) -> Kept | None:
        """Return the answer kept under this key, if it is young enough to be given."""
        with self._lock:
            kept = self._entries.get(key)
            if kept is not None and kept.age_seconds > settings.CACHE_TTL_SECONDS:
                del self._entries[key]
                return None
            return kept

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer; those that were not used for longest make room. What is larger than all room is not kept."""
        with self._lock:
            if self._entries.getsizeof(kept) <= self._entries.maxsize:
                self._entries[key] = kept

    def count_hit(self, key: str) -> int:
        """Count a hit, and return how many are worth writing down now: at the 1st, 2nd, 4th, 8th ... of a key."""
        with self._lock:
            if len(self._hits) > MAX_ANSWERS:
                self._hits.clear()
            count = self._hits[key] = self._hits.get(key, 0) + 1
        return count - count // 2 if count & (count - 1) == 0 else 0

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._hits.clear()


_made = threading.Lock()
_memory: MemoryCache | None = None


def memory() -> MemoryCache:
    """Return this process's answers."""
    global _memory
    with _made:
        if _memory is None or _memory.max_bytes != settings.CACHE_MEMORY_BYTES:
            _memory = MemoryCache(settings.CACHE_MEMORY_BYTES)
        return _memory
