"""An answer that this process has in its memory: given at once, without a slot, a seat or a statement of its own."""

from __future__ import annotations

from querying.answering.query_log import record_given_again
from querying.cachestore.hit_counters import count, count_question
from querying.cachestore.memory import CachedEntry, memory
from querying.caching.answers import keys_if_cacheable, may_be_given, note_hit
from querying.types import Question


def answer_at_once(question: Question) -> CachedEntry | None:
    """Return the kept answer to a question, and record that it was given; None: it must be looked for, or made.

    So it comes also while all slots are taken by answers in the making.
    """
    keys = keys_if_cacheable(question)
    kept = None if keys is None else memory().get(keys.exact)
    if keys is None or kept is None or not may_be_given(question, keys, kept.answer):
        return None
    corpora = [corpus.pk for corpus in question.corpora]
    count("memory", hit=True, corpora=corpora)  # a miss is counted by whoever looks further
    count_question(hit=True, corpora=corpora)
    note_hit(keys)
    record_given_again(question, kept.answer)
    return kept
