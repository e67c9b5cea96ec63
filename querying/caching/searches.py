"""Caches search results: in the memory of this process, then in Redis or Postgres.

Whole passages are cached, and not only their ids: as for answers (querying/caching/keys.py), the key holds the epochs
of the corpora and the rights of the reader, so no key leads to passages that are gone or closed to the reader. A search
with a leg that failed or was late is not cached.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.conf import settings

from documents.access.fingerprint import AccessFingerprint
from querying.cachestore import shared_entries
from querying.cachestore.failures import unless_it_fails
from querying.cachestore.hit_counters import count
from querying.cachestore.memory import MemoryCache
from querying.cachestore.shared_entries import Kind, SharedEntry
from querying.caching.answers import may_read
from querying.caching.keys import search_key_of, standing_for
from querying.caching.serialization import pack_passages, unpack_passages
from querying.passages import Passage, Retrieved
from querying.timings import milliseconds_since
from querying.types import Question
from ragsite.per_process import PerProcess
from ragsite.performance import observe_stage
from ragsite.process_memory import on_reset

PASSAGE_BYTES = 500  # of memory for a passage without its text, about


@dataclass(frozen=True)
class SearchKey:
    """The cache key of a question's passages, and the access fingerprint in it."""

    digest: str
    standing: AccessFingerprint


@dataclass(frozen=True)
class CachedSearch:
    """A search result, and when it was made (seconds since 1970, because processes share it)."""

    passages: tuple[Passage, ...]
    answerable: bool
    made_at: float
    is_uncertain: bool = False
    corrections: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing_identifiers: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return about how much memory the passages take, by their text in UTF-8."""
        return sum(PASSAGE_BYTES + len(each.text.encode()) for each in self.passages)

    @property
    def age_seconds(self) -> float:
        """Return how old the result is."""
        return max(0.0, time.time() - self.made_at)


search_memory: PerProcess[int, MemoryCache[CachedSearch]] = PerProcess(MemoryCache, lambda: settings.CACHE_MEMORY_BYTES)


def forget_all() -> None:
    """Forget every search of this process."""
    search_memory().clear()


on_reset(forget_all)


def search_key_if_cacheable(question: Question) -> SearchKey | None:
    """Return the key of a question's passages; None: the cache is not to be used for it, or the database fails."""
    if not (settings.ENABLE_CACHING and settings.ENABLE_RETRIEVAL_CACHE and question.use_cache):
        return None
    standing = unless_it_fails(lambda: standing_for(question))
    return None if standing is None else SearchKey(search_key_of(question, standing), standing)


def find_search(question: Question, key: SearchKey) -> Retrieved | None:
    """Return the cached result for this question; None: there is none, or the reader may not read all of it."""
    started = time.monotonic()
    kept = _find(key)
    if kept is None or not may_read(question.principal, key.standing, documents_of(kept.passages)):
        return None
    observe_stage("search_cache", time.monotonic() - started)
    return Retrieved(
        passages=kept.passages,
        legs=(),
        answerable=kept.answerable,
        timings_ms={"retrieve": milliseconds_since(started)},
        age_seconds=round(kept.age_seconds, 3),
        is_uncertain=kept.is_uncertain,
        corrections=kept.corrections,
        alike=kept.alike,
        missing_identifiers=kept.missing_identifiers,
    )


def keep_search(key: SearchKey, retrieved: Retrieved) -> None:
    """Cache a result, if every leg worked: for this process at once, for the others in the background."""
    if not is_worth_keeping(retrieved):
        return
    passages = tuple(replace(each, legs=dict(each.legs)) for each in retrieved.passages)
    corrections, missing = dict(retrieved.corrections), retrieved.missing_identifiers
    alike = dict(retrieved.alike)
    kept = CachedSearch(
        passages, retrieved.answerable, time.time(), retrieved.is_uncertain, corrections, alike, missing
    )
    search_memory().put(key.digest, kept)
    shared_entries.keep(
        Kind.SEARCH,
        key.digest,
        {
            "passages": pack_passages(passages),
            "answerable": retrieved.answerable,
            "uncertain": retrieved.is_uncertain,
            "corrections": corrections,
            "alike": alike,
            "missing_identifiers": list(missing),
        },
        corpora=key.standing.ids,
        documents=documents_of(passages),
    )


def is_worth_keeping(retrieved: Retrieved) -> bool:
    """Return whether no leg was late or failed, so that another search would find the same."""
    return retrieved.age_seconds is None and all(leg.status in {"ok", "skipped"} for leg in retrieved.legs)


def documents_of(passages: Collection[Passage]) -> set[UUID]:
    """Return the documents that the passages are from."""
    return {passage.document_id for passage in passages}


def _find(key: SearchKey) -> CachedSearch | None:
    kept = search_memory().get(key.digest)
    count("search", hit=kept is not None, corpora=key.standing.ids)
    if kept is not None:
        return kept
    loaded = unless_it_fails(lambda: shared_entries.load(Kind.SEARCH, key.digest))
    kept = None if loaded is None else _kept_of(loaded)
    count("search_shared", hit=kept is not None, corpora=key.standing.ids)
    if kept is not None:
        search_memory().put(key.digest, kept)
    return kept


def _kept_of(loaded: SharedEntry) -> CachedSearch | None:
    try:
        value = loaded.value
        return CachedSearch(
            unpack_passages(value["passages"]),
            bool(value["answerable"]),
            loaded.made_at,
            bool(value["uncertain"]),
            dict(value["corrections"]),
            {word: tuple(others) for word, others in value["alike"].items()},
            tuple(value["missing_identifiers"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):  # a value of an unknown form, or of an older version
        return None
