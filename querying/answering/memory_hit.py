"""Answers from the memory of this process, without an answer slot, a queue or an SQL statement."""

from __future__ import annotations

from querying.answering.query_log import record_cached_answer
from querying.cachestore.hit_counters import count, count_question
from querying.cachestore.memory import CachedEntry, memory
from querying.caching.answers import keys_if_cacheable, may_read_answer, note_hit
from querying.types import Question


def answer_at_once(question: Question) -> CachedEntry | None:
    """Return the answer in memory, and record the question; None: there is none that the reader may read.

    It works also while all answer slots are taken.
    """
    keys = keys_if_cacheable(question)
    kept = None if keys is None else memory().get(keys.exact)
    if keys is None or kept is None or not may_read_answer(question, keys, kept.answer):
        return None
    corpora = [corpus.pk for corpus in question.corpora]
    count("memory", hit=True, corpora=corpora)  # a miss is counted by the Coalescer
    count_question(hit=True, corpora=corpora)
    note_hit(keys)
    record_cached_answer(question, kept.answer)
    return kept
