"""The answers that are kept for one question, and what of them its reader is given."""

from __future__ import annotations

from querying.cachestore.memory import CachedEntry
from querying.caching.answers import find_in_memory, find_shared, given_again, may_be_given, note_hit
from querying.caching.keys import Keys
from querying.types import Answer, Question


class AnswerLookup:
    """Looks for one question's answer. `has_hit`: its reader was given one, which counts as a hit of the caches."""

    def __init__(self, question: Question, keys: Keys) -> None:
        self._question = question
        self._keys = keys
        self.has_hit = False

    def in_memory(self) -> Answer | None:
        """Return the answer if this process has it in its memory."""
        return self.given(find_in_memory(self._keys))

    def in_stores(self) -> tuple[CachedEntry, Answer] | None:
        """Return what Redis or Postgres has, and the answer to this question that it makes; None: nothing to give."""
        entry = find_shared(self._keys)
        answer = self.given(entry)
        return None if entry is None or answer is None else (entry, answer)

    def given(self, entry: CachedEntry | None, similarity: float | None = None) -> Answer | None:
        """Return the entry as the answer to this question; None where its reader may not read all that it quotes.

        `similarity`: the question was asked in other words.
        """
        if entry is None or not may_be_given(self._question, self._keys, entry.answer):
            return None
        self.has_hit = True
        note_hit(self._keys)
        return given_again(self._question, entry, similarity)
