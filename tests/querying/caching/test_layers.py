"""The layers of the answer cache: their limits and lifetimes, and what happens when one fails."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import REGISTRY, generate_latest
from pytest_django import Settings

from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.redis_server import RedisProcess
from querying.answering.pipeline import answer_question
from querying.cachestore.memory import CachedEntry, MemoryCache, memory
from querying.caching import answer_table
from querying.caching.answers import MAX_ANSWER_BYTES, keep_in_memory, keep_shared
from querying.caching.keys import keys_of
from querying.caching.serialization import pack, unpack
from querying.models import CachedAnswer
from querying.types import Answer, AnswerMode
from tests.querying.asking import PARKING_QUESTION, ask, generations, mode_of
from tests.querying.library import make_library
from tests.redis import redis_server, with_redis

__all__ = ["redis_server", "with_redis"]
pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, EXTRACTIVE, CACHED = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.CACHED


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def test_an_answer_outlives_the_process(corpus: Corpus, standin: StandIn) -> None:
    mode_of(corpus)
    memory().clear()
    assert [mode_of(corpus), mode_of(corpus)] == [CACHED, CACHED]
    assert generations(standin) == 1


def test_what_memory_has_is_not_asked_of_the_table(corpus: Corpus) -> None:
    mode_of(corpus)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert mode_of(corpus) == CACHED
    asked = [query["sql"] for query in queries if "SELECT" in query["sql"] and "cachedanswer" in query["sql"]]
    assert not asked


def test_a_broken_cache_is_an_empty_one(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise OperationalError("gone")

    for name in ("load", "keep", "count_hits"):
        monkeypatch.setattr(answer_table, name, broken)
    assert mode_of(corpus) == EXTRACTIVE
    assert mode_of(corpus) == CACHED  # from memory
    memory().clear()
    assert mode_of(corpus) == EXTRACTIVE


def test_what_is_no_answer_is_none(corpus: Corpus) -> None:
    mode_of(corpus)
    memory().clear()
    nonsense = {"text": "x", "mode": "nonsense", "citations": [], "passages": [], "model": ""}
    values: list[Any] = [{}, [], {"text": 7}, nonsense]
    for broken in values:
        CachedAnswer.objects.update(answer=broken)
        assert mode_of(corpus) == EXTRACTIVE
        memory().clear()


def test_a_packed_answer_comes_back_as_it_was(corpus: Corpus, standin: StandIn) -> None:
    answer = answer_question(ask(corpus))
    back = unpack(pack(answer))
    assert (back.text, back.citations, back.passages) == (answer.text, answer.citations, answer.passages)


def test_an_enormous_answer_is_not_kept(corpus: Corpus) -> None:
    asked = ask(corpus)
    answer = replace(answer_question(ask(corpus, use_cache=False)), text="x" * MAX_ANSWER_BYTES)
    keep_shared(keys_of(asked), keep_in_memory(keys_of(asked), answer))
    assert not CachedAnswer.objects.exists()
    assert memory().get(keys_of(asked).exact) is None


def kept_of(answer: Answer, size_bytes: int) -> CachedEntry:
    return CachedEntry(answer, time.time(), size_bytes)


def test_memory_is_bounded_in_bytes(corpus: Corpus) -> None:
    answer = answer_question(ask(corpus))
    cache: MemoryCache[CachedEntry] = MemoryCache(10_000)
    for number in range(100):
        cache.put(str(number), kept_of(answer, 1000))
    assert [cache.get(str(number)) is not None for number in (0, 89, 90, 99)] == [False, False, True, True]
    cache.put("large", kept_of(answer, 10_001))
    assert cache.get("large") is None
    assert cache.get("99") is not None


def test_hits_are_written_down_at_powers_of_two(corpus: Corpus) -> None:
    mode_of(corpus)
    counts = []
    for _ in range(9):
        mode_of(corpus)
        counts.append(CachedAnswer.objects.get().hits)
    assert counts == [1, 2, 2, 4, 4, 4, 4, 8, 8]


def test_the_table_is_pruned_by_age_and_number(corpus: Corpus, settings: Settings) -> None:
    settings.CACHE_MAX_ANSWERS = 3
    answer = answer_question(ask(corpus))
    now = timezone.now()
    CachedAnswer.objects.all().delete()
    for number in range(6):
        keys = replace(keys_of(ask(corpus)), exact=str(number))
        packed = pack(answer)
        answer_table.keep(keys, packed, json.dumps(packed), (now - timedelta(seconds=number)).timestamp(), None)
    CachedAnswer.objects.filter(pk="1").update(created_at=now - timedelta(days=30))
    CachedAnswer.objects.filter(pk="5").update(last_used=now)
    assert answer_table.prune() == 3
    assert sorted(CachedAnswer.objects.values_list("pk", flat=True)) == ["0", "2", "5"]


def test_pruning_happens_by_itself(corpus: Corpus, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_table, "PRUNE_EVERY", 1)
    settings.CACHE_MAX_ANSWERS = 1
    mode_of(corpus)
    mode_of(corpus, PARKING_QUESTION)
    assert CachedAnswer.objects.count() == 1


@pytest.mark.redis
def test_redis_is_asked_before_postgres(corpus: Corpus, standin: StandIn, with_redis: RedisProcess) -> None:
    mode_of(corpus)
    CachedAnswer.objects.all().delete()
    memory().clear()
    assert mode_of(corpus) == CACHED
    caches["default"].clear()
    memory().clear()
    assert mode_of(corpus) == GENERATED


@pytest.mark.redis
def test_a_foreign_value_in_redis_is_no_answer(corpus: Corpus, with_redis: RedisProcess) -> None:
    key = f"answer:{keys_of(ask(corpus)).exact}"
    values: list[Any] = [7, "text", [1], {"answer": {}}, {"answer": 1, "made_at": "x"}]
    for value in values:
        caches["default"].set(key, value)
        CachedAnswer.objects.all().delete()
        memory().clear()
        assert mode_of(corpus) == EXTRACTIVE


@pytest.mark.redis
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_without_redis_postgres_serves(corpus: Corpus, standin: StandIn, with_redis: RedisProcess, how: str) -> None:
    mode_of(corpus)
    memory().clear()
    getattr(with_redis, how)()
    assert [mode_of(corpus), mode_of(corpus)] == [CACHED, CACHED]
    assert mode_of(corpus, PARKING_QUESTION) == GENERATED


def test_purging_forgets_all_or_one_corpus(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_library(slug="other")
    mode_of(corpus), mode_of(other)
    call_command("purge_cache", "--corpus", "other")
    assert "1 " in capsys.readouterr().out
    assert [mode_of(corpus), mode_of(other)] == [CACHED, EXTRACTIVE]
    call_command("purge_cache")
    assert [mode_of(corpus), mode_of(other)] == [EXTRACTIVE, EXTRACTIVE]


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_hits_and_misses_are_counted_by_layer(corpus: Corpus) -> None:
    def counts() -> list[float]:
        return [
            sample("cache_requests_total", layer="memory", outcome="hit"),
            sample("cache_requests_total", layer="memory", outcome="miss"),
            sample("cache_requests_total", layer="postgres", outcome="hit"),
            sample("cache_requests_total", layer="postgres", outcome="miss"),
        ]

    before = counts()
    mode_of(corpus), mode_of(corpus)
    memory().clear()
    mode_of(corpus)
    assert [after - earlier for after, earlier in zip(counts(), before, strict=True)] == [1, 2, 1, 1]
    assert sample("cache_questions_total", outcome="hit") > 0
    assert b"cache_questions_total" in generate_latest()
