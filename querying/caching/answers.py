"""Answers that are given again: from this process's memory, from Redis where there is one, from Postgres.

Nothing is ever purged to be right: a key holds the epochs of the corpora and the rights of the asker, so an answer
that must not be given any more is one that nobody finds. A cache that fails is an empty cache.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.cache import caches
from django.db.models import QuerySet

from documents.access.fingerprint import AccessFingerprint
from documents.access.policy import Principal, readable_documents
from documents.access.question_scope import epochs_of
from querying.cachestore.failures import unless_it_fails as unless_it_fails
from querying.cachestore.hit_counters import count
from querying.cachestore.memory import CachedEntry, memory
from querying.caching import answer_table
from querying.caching.keys import Keys, keys_of
from querying.caching.serialization import Packed, documents_of, pack, unpack
from querying.models import CachedAnswer
from querying.timings import milliseconds_since
from querying.types import OTHER_IDENTIFIER, Answer, AnswerMode, CacheReport, Question

MAX_ANSWER_BYTES = 512 * 1024  # as JSON: one answer over a hundred long passages is not worth a thousand others


@dataclass(frozen=True)
class Made:
    """An answer that was made just now, and how the other processes' caches will have it."""

    kept: CachedEntry
    packed: Packed
    text: str  # `packed` as JSON


def is_cacheable(question: Question) -> bool:
    """Return whether answers may be kept and given again for this question."""
    return bool(settings.ENABLE_CACHING and settings.ENABLE_ANSWER_CACHE and question.use_cache)


def keys_if_cacheable(question: Question) -> Keys | None:
    """Return the keys of a question; None when caches are not to be used, or can't be."""
    return unless_it_fails(lambda: keys_of(question)) if is_cacheable(question) else None


def is_worth_keeping(answer: Answer) -> bool:
    """Return whether an answer is as good as this server gives them, so that it may be given again."""
    is_whole = answer.usage is None or not answer.usage.context_truncated
    wanted = answer.mode in {AnswerMode.GENERATED, AnswerMode.EXTRACTIVE}
    # A cache keeps no reasons, and an answer about something else must never come without its own.
    warns = any(reason.code == OTHER_IDENTIFIER for reason in answer.reasons)
    return wanted and is_whole and answer.answerable and not answer.degraded and not warns


def find_in_memory(keys: Keys) -> CachedEntry | None:
    """Return the answer if this process has it."""
    return _counted("memory", keys, memory().get(keys.exact))


def find_shared(keys: Keys) -> CachedEntry | None:
    """Return the answer if Redis or Postgres has it, and keep it in memory."""
    kept = _find_in_redis(keys)
    if kept is None:
        kept = _counted("postgres", keys, unless_it_fails(lambda: answer_table.load(keys.exact)))
    if kept is not None:
        memory().put(keys.exact, kept)
    return kept


def may_be_given(question: Question, keys: Keys, answer: Answer) -> bool:
    """Return whether the asker may still read all that the answer quotes."""
    return keys.standing.is_open or may_read(question.principal, keys.standing, documents_of(answer))


def may_read(principal: Principal, standing: AccessFingerprint, documents: Collection[UUID]) -> bool:
    """Return whether the principal may read all of these documents, whose text was kept under this standing.

    The key says so already. Where documents are closed they are asked once more: a change that forgot to raise the
    epoch must not show anybody's document to somebody else.
    """
    if standing.is_open:
        return True
    readable = unless_it_fails(lambda: readable_documents(principal).filter(pk__in=documents).count())
    return readable == len(set(documents))


def given_again(question: Question, kept: CachedEntry, similarity: float | None = None) -> Answer:
    """Return a kept answer as the reply to this question; `similarity` if it was asked in other words."""
    return replace(
        kept.answer,
        id=question.id,
        mode=AnswerMode.CACHED if similarity is None else AnswerMode.CACHED_SEMANTIC,
        original_mode=kept.answer.written_as,
        usage=None,
        legs=(),
        timings_ms={"total": milliseconds_since(question.started)},
        cache=CacheReport(
            hit=True, similarity=1.0 if similarity is None else similarity, age_seconds=round(kept.age_seconds, 3)
        ),
    )


def note_hit(keys: Keys) -> None:
    """Count that an answer was given again."""
    hits = memory().count_hit(keys.exact)
    if hits:
        unless_it_fails(lambda: answer_table.count_hits(keys.exact, hits))


def keep_in_memory(keys: Keys, answer: Answer) -> Made:
    """Keep an answer for this process, at once; `keep_shared` is for the others."""
    packed = pack(answer)
    text = json.dumps(packed)
    kept = CachedEntry(unpack(packed), time.time(), len(text))
    if kept.size_bytes <= MAX_ANSWER_BYTES:
        memory().put(keys.exact, kept)
    return Made(kept, packed, text)


def keep_shared(keys: Keys, made: Made, embedding: np.ndarray | None = None) -> None:
    """Keep an answer in Postgres and Redis, unless something that it depends on has changed while it was made."""
    if made.kept.size_bytes > MAX_ANSWER_BYTES:
        return

    def keep() -> bool:
        answer_table.keep(keys, made.packed, made.text, made.kept.made_at, embedding)
        # Looked at after the row is there: a deletion that didn't see it has changed the epoch, or does in a moment
        # and looks again. Nobody would find the row; but what is deleted is not to lie about either.
        if epochs_of(keys.standing.ids) == {pk: epoch for pk, epoch, _ in keys.standing.corpora}:
            return True
        answer_table.forget(CachedAnswer.objects.filter(pk=keys.exact))
        return False

    if unless_it_fails(keep):
        _keep_in_redis(keys.exact, made)


def forget_answers(rows: QuerySet[CachedAnswer]) -> int:
    """Delete kept answers everywhere but in other processes' memory; return how many Postgres had."""
    keys = answer_table.forget(rows)
    _forget_in_redis(keys)
    memory().clear()
    return len(keys)


def _counted(layer: str, keys: Keys, kept: CachedEntry | None) -> CachedEntry | None:
    count(layer, hit=kept is not None, corpora=keys.standing.ids)
    return kept


def _find_in_redis(keys: Keys) -> CachedEntry | None:
    if not settings.REDIS_URL:
        return None
    return _counted("redis", keys, _kept_of(caches["default"].get(_name(keys.exact))))


def _kept_of(value: Any) -> CachedEntry | None:
    try:
        kept = CachedEntry(unpack(value["answer"]), float(value["made_at"]), int(value["size_bytes"]))
    except (TypeError, KeyError, ValueError):  # nothing, or nothing of ours
        return None
    return kept if kept.age_seconds <= settings.CACHE_TTL_SECONDS else None


def _keep_in_redis(key: str, made: Made) -> None:
    if settings.REDIS_URL:
        value = {"answer": made.packed, "made_at": made.kept.made_at, "size_bytes": made.kept.size_bytes}
        caches["default"].set(_name(key), value, timeout=settings.CACHE_TTL_SECONDS)


def _forget_in_redis(keys: Collection[str]) -> None:
    if settings.REDIS_URL and keys:
        caches["default"].delete_many([_name(key) for key in keys])


def _name(key: str) -> str:
    return f"answer:{key}"
