"""The question's vector in the live space of each corpus; those of a model server are kept and asked for once."""

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
from django.core.cache import caches
from django.db import connection

from documents.embedding import embed_question, prefixes_of
from documents.models import Corpus, EmbeddingSpace
from querying.hit_rate import count
from querying.legs import Legs, Status
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, OllamaTimeout, RagError

EMBEDDING_SHARE = 0.4  # of the time left: without the question's vector, the keyword leg still answers
MAX_VECTORS = 1000  # 3 MB at 768 dimensions
Key = tuple[Any, ...]


@dataclass(frozen=True)
class QuestionVector:
    """The question in a space, or why it isn't."""

    space: EmbeddingSpace | None
    vector: np.ndarray | None
    status: Status


_lock = threading.Lock()
_vectors: LRUCache[Key, np.ndarray] = LRUCache(MAX_VECTORS)
# By question and request: what has failed is not asked again in the same request, which has no time for that.
_failures: TTLCache[Key, Status] = TTLCache(MAX_VECTORS, ttl=300.0)


def embed_for(question: str, corpora: Sequence[Corpus], legs: Legs) -> Mapping[int, QuestionVector]:
    """Return the question's vector for each corpus, by id; equal models are asked once."""
    started = time.monotonic()
    made: dict[tuple[str, ...], tuple[np.ndarray | None, Status]] = {}
    vectors: dict[int, QuestionVector] = {}
    for corpus, space in [(corpus, corpus.live_space) for corpus in corpora]:
        if space is None or space.dimensions is None:
            vectors[corpus.pk] = QuestionVector(space, None, "skipped")  # nothing is stored in it yet
            continue
        key = (space.provider, space.model, prefixes_of(space).query)
        if key not in made:
            made[key] = embed_once(question, space, legs.deadline)
        vectors[corpus.pk] = QuestionVector(space, *made[key])
    legs.note("embed", started)
    return vectors


def embed_once(question: str, space: EmbeddingSpace, deadline: Deadline) -> tuple[np.ndarray | None, Status]:
    """Return the question's vector and "ok", or None and why there is none."""
    if space.provider == EmbeddingSpace.Provider.EMBEDDED or not settings.ENABLE_CACHING:
        return _embed(question, space, deadline)  # in process it takes less than a look-up
    key = (space.model, prefixes_of(space).query, space.dimensions, question)
    with _lock:
        known, failure = _vectors.get(key), _failures.get((*key, deadline.at))
    count("vectors", hit=known is not None)
    if known is None and failure is None:
        known = _from_redis(key)
    if known is not None:
        _keep(key, known)
        return known, "ok"
    if failure is not None:
        return None, failure
    vector, status = _embed(question, space, deadline)
    if vector is None:
        with _lock:
            _failures[(*key, deadline.at)] = status
    else:
        _keep(key, vector)
        _to_redis(key, vector)
    return vector, status


def forget_all() -> None:
    """Forget every vector of this process."""
    with _lock:
        _vectors.clear()
        _failures.clear()


def _embed(question: str, space: EmbeddingSpace, deadline: Deadline) -> tuple[np.ndarray | None, Status]:
    if space.provider == EmbeddingSpace.Provider.OLLAMA:
        deadline = Deadline.after(deadline.remaining() * EMBEDDING_SHARE)
        if not connection.in_atomic_block:
            connection.close()  # the pool may be smaller than the number of questions that wait for the model
    try:
        vector = embed_question(space, question, deadline=deadline)
    except RagError as exc:
        return None, "late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"
    return (vector, "ok") if np.any(vector) else (None, "skipped")


def _keep(key: Key, vector: np.ndarray) -> None:
    vector.flags.writeable = False  # it is handed to many
    with _lock:
        _vectors[key] = vector


def _from_redis(key: Key) -> np.ndarray | None:
    if not settings.REDIS_URL:
        return None
    try:
        vector = np.frombuffer(base64.b64decode(caches["default"].get(_name(key)), validate=True), dtype="<f4")
    except (TypeError, ValueError):  # nothing, or nothing of ours
        return None
    return vector if vector.shape == (key[2],) and np.isfinite(vector).all() and np.any(vector) else None


def _to_redis(key: Key, vector: np.ndarray) -> None:
    if settings.REDIS_URL:
        text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
        caches["default"].set(_name(key), text, timeout=settings.CACHE_TTL_SECONDS)


def _name(key: Key) -> str:
    return "vector:" + hashlib.sha256(json.dumps(key).encode("utf-8", "replace")).hexdigest()
