"""Embeds the question for the live space of each corpus; caches the vectors of a model server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache, TTLCache
from django.conf import settings
from django.db import connection

from documents.models import Corpus, EmbeddingSpace
from documents.vectors.embedding import embed_question, prefixes_of
from querying.cachestore import shared_entries
from querying.cachestore.failures import unless_it_fails
from querying.cachestore.hit_counters import count
from querying.cachestore.shared_entries import Kind
from querying.passages import Status
from querying.questions.asking_part import asking_part
from querying.retrieval.legs import Legs
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, OllamaTimeout, RagError
from ragsite.process_memory import on_reset

EMBEDDING_SHARE = 0.4  # of the time left: the rest is for the keyword leg, which answers without a vector
MAX_VECTORS = 1000  # 3 MB at 768 dimensions
Key = tuple[Any, ...]


@dataclass(frozen=True)
class QuestionVector:
    """The question's vector in a space; None: `status` says why there is none."""

    space: EmbeddingSpace | None
    vector: np.ndarray | None
    status: Status


@dataclass(frozen=True)
class _CachedVector:
    vector: np.ndarray
    at: float  # on the monotonic clock


_lock = threading.Lock()
_vectors: LRUCache[Key, _CachedVector] = LRUCache(MAX_VECTORS)
# By question and deadline: a failed call is not repeated within a request, which has no time for it.
_failures: TTLCache[Key, Status] = TTLCache(MAX_VECTORS, ttl=300.0)


def embed_for(
    question: str, corpora: Sequence[Corpus], legs: Legs, *, use_cache: bool = True
) -> Mapping[int, QuestionVector]:
    """Return the question's vector for each corpus, by id; each model is called once."""
    started = time.monotonic()
    made: dict[tuple[str, ...], tuple[np.ndarray | None, Status]] = {}
    vectors: dict[int, QuestionVector] = {}
    for corpus, space in [(corpus, corpus.live_space) for corpus in corpora]:
        if space is None or space.dimensions is None:
            vectors[corpus.pk] = QuestionVector(space, None, "skipped")  # the space has no vectors yet
            continue
        key = (space.provider, space.model, prefixes_of(space).query, str(space.dimensions))
        if key not in made:
            made[key] = embed_once(question, space, legs.deadline, use_cache=use_cache)
        vectors[corpus.pk] = QuestionVector(space, *made[key])
    legs.note("embed", started)
    return vectors


def embed_once(
    question: str, space: EmbeddingSpace, deadline: Deadline, *, use_cache: bool = True
) -> tuple[np.ndarray | None, Status]:
    """Return the vector of the question's asking part and "ok", or None and the status of the failure.

    The asking part is taken here, so that the semantic cache and the search share one call. Without `use_cache` the
    vector is neither looked up nor cached.
    """
    question = asking_part(question) or question
    is_cached = use_cache and settings.ENABLE_CACHING and settings.ENABLE_EMBEDDING_CACHE
    if space.provider == EmbeddingSpace.Provider.EMBEDDED or not is_cached:
        return _embed(question, space, deadline)  # computed in this process, in less time than a look-up
    key = (space.model, prefixes_of(space).query, space.dimensions, question)
    with _lock:
        known, failure = _vectors.get(key), _failures.get((*key, deadline.at))
    if known is not None and time.monotonic() - known.at > settings.CACHE_TTL_SECONDS:
        known = None
    count("vectors", hit=known is not None, corpora=[space.corpus_id])
    if known is not None:
        return known.vector, "ok"
    if failure is None:
        shared = unless_it_fails(lambda: _load_shared(key))
        count("vectors_shared", hit=shared is not None, corpora=[space.corpus_id])
        if shared is not None:
            _keep(key, shared)
            return shared, "ok"
    else:
        return None, failure
    vector, status = _embed(question, space, deadline)
    if vector is None:
        with _lock:
            _failures[(*key, deadline.at)] = status
    else:
        _keep(key, vector)
        _keep_shared(key, vector)
    return vector, status


def forget_all() -> None:
    """Forget every vector of this process."""
    with _lock:
        _vectors.clear()
        _failures.clear()


on_reset(forget_all)


def _embed(question: str, space: EmbeddingSpace, deadline: Deadline) -> tuple[np.ndarray | None, Status]:
    if space.provider == EmbeddingSpace.Provider.OLLAMA:
        deadline = Deadline.after(deadline.remaining() * EMBEDDING_SHARE)
        if not connection.in_atomic_block:
            connection.close()  # the pool may have fewer connections than questions wait for the model
    try:
        vector = embed_question(space, question, deadline=deadline)
    except RagError as exc:
        return None, "late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"
    return (vector, "ok") if np.any(vector) else (None, "skipped")


def _keep(key: Key, vector: np.ndarray) -> None:
    vector.flags.writeable = False  # many threads share it
    with _lock:
        _vectors[key] = _CachedVector(vector, time.monotonic())


def _load_shared(key: Key) -> np.ndarray | None:
    loaded = shared_entries.load(Kind.VECTOR, _digest(key))
    if loaded is None:
        return None
    try:
        vector = np.frombuffer(base64.b64decode(loaded.value, validate=True), dtype="<f4")
    except (TypeError, ValueError):  # a value of an unknown form
        return None
    return vector if vector.shape == (key[2],) and np.isfinite(vector).all() and np.any(vector) else None


def _keep_shared(key: Key, vector: np.ndarray) -> None:
    text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    shared_entries.keep(Kind.VECTOR, _digest(key), text)


def _digest(key: Key) -> str:
    return hashlib.sha256(json.dumps(key).encode("utf-8", "replace")).hexdigest()
