"""Looks up the cached answer to one question, and checks that the reader may still read its sources."""

from __future__ import annotations

from querying.cachestore.memory import CachedEntry
from querying.caching.answers import cached_reply, find_in_memory, find_shared, may_read_answer, note_hit
from querying.caching.keys import Keys
from querying.types import Answer, Question


class AnswerLookup:
    """The caches as seen by one question. `has_hit`: it was answered from one of them."""

    def __init__(self, question: Question, keys: Keys) -> None:
        self._question = question
        self._keys = keys
        self.has_hit = False

    def in_memory(self) -> Answer | None:
        """Return the answer from the memory of this process; None: it has none."""
        return self.answer_from(find_in_memory(self._keys))

    def in_stores(self) -> tuple[CachedEntry, Answer] | None:
        """Return the entry in Redis or Postgres, and the answer made of it; None: there is none that may be read."""
        entry = find_shared(self._keys)
        answer = self.answer_from(entry)
        return None if entry is None or answer is None else (entry, answer)

    def answer_from(self, entry: CachedEntry | None, similarity: float | None = None) -> Answer | None:
        """Return the entry as the answer to this question; None: the reader may not read all of its sources.

        `similarity` is that of the question it was made for (0..1), if that one was in other words.
        """
        if entry is None or not may_read_answer(self._question, self._keys, entry.answer):
            return None
        self.has_hit = True
        note_hit(self._keys)
        return cached_reply(self._question, entry, similarity)
