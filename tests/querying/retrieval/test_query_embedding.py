"""A model server embeds a question once for all processes, until its vector expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.cache import caches
from django.db import OperationalError
from pytest_django import Settings

from documents.access.policy import NOBODY
from documents.models import EmbeddingSpace
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.redis_server import RedisProcess
from querying.cachestore import shared_entries
from querying.cachestore.background_writer import store_now
from querying.caching.purge import purge
from querying.models import CacheEntry
from querying.retrieval import query_embedding
from querying.retrieval.pipeline import retrieve
from querying.retrieval.query_embedding import embed_once
from ragsite.deadline import Deadline
from tests.factories import make_corpus
from tests.querying.cachestore.test_hit_counters import stored
from tests.querying.conftest import QUESTION
from tests.redis import cache_settings, redis_server

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def space(standin: StandIn) -> EmbeddingSpace:
    """A space of the stand-in's model."""
    return EmbeddingSpace.objects.create(
        corpus=make_corpus(with_space=False), provider="ollama", model="nomic-embed-text", dimensions=768, status="live"
    )


@pytest.fixture
def with_redis(settings: Settings, redis_server: RedisProcess) -> Iterator[RedisProcess]:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": cache_settings(redis_server.url)}
    yield redis_server


def vector_of(space: EmbeddingSpace) -> np.ndarray:
    vector, status = embed_once(QUESTION, space, Deadline.after(5))
    assert status == "ok"
    assert vector is not None
    return vector


def embeddings(standin: StandIn) -> int:
    return len(standin.requests("embed"))


def in_another_process() -> None:
    """Forget what this one has in memory."""
    store_now()
    query_embedding.forget_all()


def test_without_redis_processes_share_it_through_postgres(space: EmbeddingSpace, standin: StandIn) -> None:
    first = vector_of(space)
    in_another_process()
    assert np.array_equal(vector_of(space), first)
    assert embeddings(standin) == 1
    store_now()
    counts = {layer: counted for (corpus_id, layer), counted in stored().items() if corpus_id == space.corpus_id}
    assert counts == {"vectors": (0, 2), "vectors_shared": (1, 1)}
    entry = CacheEntry.objects.get()
    assert (entry.kind, entry.corpora, entry.documents) == ("vector", [], [])
    assert QUESTION not in entry.value


@pytest.mark.parametrize("switch", ["ENABLE_CACHING", "ENABLE_EMBEDDING_CACHE"])
def test_it_can_be_switched_off(space: EmbeddingSpace, standin: StandIn, settings: Settings, switch: str) -> None:
    vector_of(space)
    setattr(settings, switch, False)
    vector_of(space), vector_of(space)
    assert embeddings(standin) == 3


def test_it_ends_with_its_time_in_memory_and_in_postgres(
    space: EmbeddingSpace, standin: StandIn, settings: Settings
) -> None:
    vector_of(space)
    settings.CACHE_TTL_SECONDS = 0
    vector_of(space)
    in_another_process()
    vector_of(space)
    assert embeddings(standin) == 3


def test_what_is_no_vector_is_none(space: EmbeddingSpace, standin: StandIn) -> None:
    vector_of(space)
    values: list[Any] = [7, "not base64!", "AAAA", "", [], {"a": 1}, "AAAAAAAA" * 384]
    for value in values:
        in_another_process()
        CacheEntry.objects.update(value=value)
        vector_of(space)
    assert embeddings(standin) == 1 + len(values)


def test_a_broken_cache_is_an_empty_one(
    space: EmbeddingSpace, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(shared_entries, "load", broken)
    vector_of(space)
    assert embeddings(standin) == 1


def test_purging_everything_forgets_it_and_purging_a_corpus_does_not(space: EmbeddingSpace, standin: StandIn) -> None:
    vector_of(space)
    store_now()
    assert purge([space.corpus_id]).vectors == 0
    in_another_process()
    vector_of(space)
    assert embeddings(standin) == 1
    assert purge().vectors == 1
    vector_of(space)
    assert embeddings(standin) == 2


@pytest.mark.redis
def test_purging_everything_forgets_it_in_redis_too(
    space: EmbeddingSpace, standin: StandIn, with_redis: RedisProcess
) -> None:
    caches["default"].set("somebody:else", 1)
    vector_of(space)
    in_another_process()
    vector_of(space)
    assert embeddings(standin) == 1
    purge()
    vector_of(space)
    assert embeddings(standin) == 2
    assert caches["default"].get("somebody:else") == 1
    with_redis.kill()
    purge()


def test_a_question_that_wants_no_cache_is_embedded_again_and_kept_nowhere(
    space: EmbeddingSpace, standin: StandIn
) -> None:
    for _ in range(2):
        assert embed_once(QUESTION, space, Deadline.after(5), use_cache=False)[1] == "ok"
    assert embeddings(standin) == 2
    store_now()
    assert not CacheEntry.objects.exists()
    vector_of(space)  # kept
    assert embeddings(standin) == 3
    embed_once(QUESTION, space, Deadline.after(5), use_cache=False)
    assert embeddings(standin) == 4


def test_use_cache_of_a_request_reaches_the_vectors(space: EmbeddingSpace, standin: StandIn) -> None:
    for _ in range(2):
        retrieve(QUESTION, [space.corpus], principal=NOBODY, top_k=3, deadline=Deadline.after(5), use_cache=False)
    assert embeddings(standin) == 2
    vector_of(space)
    assert embeddings(standin) == 3, "nothing was kept"
