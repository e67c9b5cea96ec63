"""Caches answers: in the memory of this process, in Redis if there is one, and in Postgres.

Correctness needs no purge: a key holds the epochs of the corpora and the rights of the reader, so no key leads to an
answer that must not be served any more. A cache that fails counts as empty.
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

MAX_ANSWER_BYTES = 512 * 1024  # as JSON: an answer from a hundred long passages would displace a thousand others


@dataclass(frozen=True)
class NewEntry:
    """A new answer, and its form in the caches of other processes."""

    kept: CachedEntry
    packed: Packed
    text: str  # `packed` as JSON


def is_cacheable(question: Question) -> bool:
    """Return whether the answer cache may be used for this question."""
    return bool(settings.ENABLE_CACHING and settings.ENABLE_ANSWER_CACHE and question.use_cache)


def keys_if_cacheable(question: Question) -> Keys | None:
    """Return the keys of a question; None: the answer cache is not to be used for it, or the database fails."""
    return unless_it_fails(lambda: keys_of(question)) if is_cacheable(question) else None


def is_worth_keeping(answer: Answer) -> bool:
    """Return whether an answer may be cached: it is written, complete, and not degraded."""
    is_whole = answer.usage is None or not answer.usage.context_truncated
    wanted = answer.mode in {AnswerMode.GENERATED, AnswerMode.EXTRACTIVE}
    # An answer about another identifier must never be served without its warning.
    warns = any(reason.code == OTHER_IDENTIFIER for reason in answer.reasons)
    return wanted and is_whole and answer.answerable and not answer.degraded and not warns


def find_in_memory(keys: Keys) -> CachedEntry | None:
    """Return the answer from the memory of this process; None: it has none."""
    return _counted("memory", keys, memory().get(keys.exact))


def find_shared(keys: Keys) -> CachedEntry | None:
    """Return the answer from Redis or Postgres, and put it into memory; None: neither has it."""
    kept = _find_in_redis(keys)
    if kept is None:
        kept = _counted("postgres", keys, unless_it_fails(lambda: answer_table.load(keys.exact)))
    if kept is not None:
        memory().put(keys.exact, kept)
    return kept


def may_read_answer(question: Question, keys: Keys, answer: Answer) -> bool:
    """Return whether the reader may still read all sources of the answer."""
    return keys.standing.is_open or may_read(question.principal, keys.standing, documents_of(answer))


def may_read(principal: Principal, standing: AccessFingerprint, documents: Collection[UUID]) -> bool:
    """Return whether the principal may read all of these documents, whose text was cached under this fingerprint.

    The key implies it. If documents of the corpora are closed it is checked again, so that a change that failed to
    raise the epoch reveals no document.
    """
    if standing.is_open:
        return True
    readable = unless_it_fails(lambda: readable_documents(principal).filter(pk__in=documents).count())
    return readable == len(set(documents))


def cached_reply(question: Question, kept: CachedEntry, similarity: float | None = None) -> Answer:
    """Return a cached answer as the reply to this question; `similarity` (0..1) if that was asked in other words."""
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
    """Count a hit for the answer under this key, and store the count now and then."""
    hits = memory().count_hit(keys.exact)
    if hits:
        unless_it_fails(lambda: answer_table.count_hits(keys.exact, hits))


def keep_in_memory(keys: Keys, answer: Answer) -> NewEntry:
    """Put an answer into the memory of this process; `keep_shared` stores it for the others."""
    packed = pack(answer)
    text = json.dumps(packed)
    kept = CachedEntry(unpack(packed), time.time(), len(text))
    if kept.size_bytes <= MAX_ANSWER_BYTES:
        memory().put(keys.exact, kept)
    return NewEntry(kept, packed, text)


def keep_shared(keys: Keys, made: NewEntry, embedding: np.ndarray | None = None) -> None:
    """Store an answer in Postgres and Redis, unless the corpora have changed while it was computed."""
    if made.kept.size_bytes > MAX_ANSWER_BYTES:
        return

    def keep() -> bool:
        answer_table.keep(keys, made.packed, made.text, made.kept.made_at, embedding)
        # Checked after the insert: a deletion that did not see the row has raised the epoch before, or raises it later
        # and then deletes the row. No key would lead to it; but text of deleted documents must not stay in the table.
        if epochs_of(keys.standing.ids) == {pk: epoch for pk, epoch, _ in keys.standing.corpora}:
            return True
        answer_table.forget(CachedAnswer.objects.filter(pk=keys.exact))
        return False

    if unless_it_fails(keep):
        _keep_in_redis(keys.exact, made)


def forget_answers(rows: QuerySet[CachedAnswer]) -> int:
    """Delete cached answers, except in the memory of other processes; return how many Postgres had."""
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
    except (TypeError, KeyError, ValueError):  # a miss, or a value of an unknown form
        return None
    return kept if kept.age_seconds <= settings.CACHE_TTL_SECONDS else None


def _keep_in_redis(key: str, made: NewEntry) -> None:
    if settings.REDIS_URL:
        value = {"answer": made.packed, "made_at": made.kept.made_at, "size_bytes": made.kept.size_bytes}
        caches["default"].set(_name(key), value, timeout=settings.CACHE_TTL_SECONDS)


def _forget_in_redis(keys: Collection[str]) -> None:
    if settings.REDIS_URL and keys:
        caches["default"].delete_many([_name(key) for key in keys])


def _name(key: str) -> str:
    return f"answer:{key}"
