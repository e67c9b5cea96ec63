"""A repeated search returns cached passages, but never one that the reader may not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import Corpus
from monitoring.lab.testbed.redis_server import RedisProcess
from querying.answering import pipeline as answering_pipeline
from querying.answering.pipeline import answer_question, search
from querying.cachestore import background_writer, shared_entries
from querying.cachestore.memory import memory
from querying.caching import searches as caching_searches
from querying.caching.keys import search_key_of, standing_for
from querying.caching.searches import (
    CachedSearch,
    is_worth_keeping,
    keep_search,
    search_key_if_cacheable,
    search_memory,
)
from querying.models import CachedAnswer, CacheEntry
from querying.passages import LegReport, Retrieved
from ragsite.errors import DatabaseUnavailable
from tests.querying.asking import PARKING_QUESTION, ask
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.querying.made import made_retrieved
from tests.redis import QUICK, cache_settings, redis_server

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


@pytest.fixture
def with_redis(settings: Settings, redis_server: RedisProcess) -> Iterator[RedisProcess]:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": cache_settings(redis_server.url)}
    yield redis_server


def is_found_again(corpus: Corpus, question: str = QUESTION, **options: Any) -> bool:
    """Search, and return whether it was found before."""
    return search(ask(corpus, question, **options)).age_seconds is not None


def test_the_same_search_finds_the_same_without_searching(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    first = search(ask(corpus))
    assert first.age_seconds is None

    def retrieve(*args: Any, **options: Any) -> None:
        raise AssertionError("it was searched again")

    monkeypatch.setattr(answering_pipeline, "retrieve", retrieve)
    again = search(ask(corpus))
    assert (again.passages, again.answerable, again.legs) == (first.passages, first.answerable, ())
    assert again.is_uncertain == first.is_uncertain
    assert again.age_seconds is not None
    assert set(again.timings_ms) == {"retrieve"}


def test_over_http_a_search_says_where_it_comes_from(corpus: Corpus) -> None:
    client = APIClient()
    body = {"query": QUESTION, "corpora": ["handbook"]}
    first, again = (client.post("/api/v1/search", body, format="json").json() for _ in range(2))
    assert first["cache"] == {"hit": False, "similarity": None, "age_seconds": None}
    assert again["cache"]["hit"] is True
    assert again["cache"]["age_seconds"] >= 0
    assert again["passages"] == first["passages"]
    batch = client.post(
        "/api/v1/search/batch", {"queries": [QUESTION, PARKING_QUESTION], "corpora": ["handbook"]}, format="json"
    ).json()
    assert [result["cache"]["hit"] for result in batch["results"]] == [True, False]


def test_an_answer_is_made_from_passages_that_were_found_before(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    passages = search(ask(corpus)).passages
    monkeypatch.setattr(answering_pipeline, "retrieve", None)
    answer = answer_question(ask(corpus))
    assert answer.passages == passages
    assert not answer.cache.hit
    assert not answer.degraded


OTHER: list[dict[str, Any]] = [
    {"top_k": 3},
    {"mode": "fast"},
    {"filters": {"source": "handbook.txt"}},
    {"question": "how many days of paid leave do employees get?"},
]


@pytest.mark.parametrize("options", OTHER)
def test_other_options_are_another_search(corpus: Corpus, options: dict[str, Any]) -> None:
    is_found_again(corpus)
    assert not is_found_again(corpus, **options)
    assert is_found_again(corpus)


@pytest.mark.parametrize(("name", "value"), [("LEXICAL_MATCH_BUDGET", 7), ("EXACT_SCAN_MAX_CHUNKS", 1)])
def test_settings_of_the_search_are_part_of_the_key(corpus: Corpus, settings: Settings, name: str, value: int) -> None:
    is_found_again(corpus)
    setattr(settings, name, value)
    assert not is_found_again(corpus)


def test_the_model_and_the_prompt_are_not(corpus: Corpus, settings: Settings) -> None:
    is_found_again(corpus)
    settings.LLM_MODEL = "other"
    assert is_found_again(corpus)


@pytest.mark.parametrize("switch", ["ENABLE_CACHING", "ENABLE_RETRIEVAL_CACHE"])
def test_it_can_be_switched_off(corpus: Corpus, settings: Settings, switch: str) -> None:
    is_found_again(corpus)
    setattr(settings, switch, False)
    assert not is_found_again(corpus)


def test_a_search_may_leave_the_caches_alone(corpus: Corpus) -> None:
    assert not is_found_again(corpus, use_cache=False)
    background_writer.store_now()
    assert not CacheEntry.objects.exists()
    assert not is_found_again(corpus)
    assert not is_found_again(corpus, use_cache=False)


def test_without_the_cache_of_answers_searches_are_still_kept(corpus: Corpus, settings: Settings) -> None:
    settings.ENABLE_ANSWER_CACHE = False
    answers = [answer_question(ask(corpus)) for _ in range(2)]
    assert not any(answer.cache.hit for answer in answers)
    assert not CachedAnswer.objects.exists()
    assert is_found_again(corpus)


@pytest.mark.parametrize("status", ["failed", "late"])
def test_a_search_with_a_failed_leg_is_not_cached(corpus: Corpus, status: Any) -> None:
    poor = made_retrieved(legs=[LegReport("lexical", "ok", 1.0), LegReport("dense", status, 1.0)])
    key = search_key_if_cacheable(ask(corpus))
    assert key is not None
    keep_search(key, poor)
    assert not is_found_again(corpus)
    assert is_worth_keeping(replace(poor, legs=(LegReport("lexical", "ok", 1.0), LegReport("dense", "skipped", 0.0))))


def test_other_processes_find_it_in_postgres(corpus: Corpus) -> None:
    first = search(ask(corpus))
    background_writer.store_now()
    search_memory().clear()
    again = search(ask(corpus))
    assert again.passages == first.passages
    assert again.age_seconds is not None
    CacheEntry.objects.all().delete()
    assert is_found_again(corpus)  # it is in memory now


def test_a_cached_search_expires(corpus: Corpus, settings: Settings) -> None:
    is_found_again(corpus)
    background_writer.store_now()
    settings.CACHE_TTL_SECONDS = 0
    assert not is_found_again(corpus)
    search_memory().clear()
    assert not is_found_again(corpus)


@pytest.mark.redis
def test_with_redis_other_processes_find_it_there(corpus: Corpus, with_redis: RedisProcess) -> None:
    is_found_again(corpus)
    background_writer.store_now()
    search_memory().clear()
    assert not CacheEntry.objects.exists()
    assert is_found_again(corpus)
    search_memory().clear()
    caches["default"].clear()
    assert not is_found_again(corpus)


@pytest.mark.redis
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_without_a_working_redis_it_is_searched(
    corpus: Corpus, with_redis: RedisProcess, settings: Settings, how: str
) -> None:
    is_found_again(corpus)
    search_memory().clear()
    getattr(with_redis, how)()
    settings.CACHES = {"default": cache_settings(with_redis.url, **QUICK)}
    assert not is_found_again(corpus)
    assert is_found_again(corpus)  # from memory


@pytest.mark.redis
def test_a_foreign_value_is_no_search(corpus: Corpus, with_redis: RedisProcess) -> None:
    asked = ask(corpus)
    key = f"search:{search_key_of(asked, standing_for(asked))}"
    values: list[Any] = [7, [1], {"value": {}, "made_at": 1e12}, {"value": {"passages": [{}]}, "made_at": 1e12}]
    for value in values:
        caches["default"].set(key, value)
        search_memory().clear()
        assert not is_found_again(corpus), value


def test_a_broken_cache_is_an_empty_one(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(shared_entries, "load", broken)
    assert not is_found_again(corpus)
    search_memory().clear()
    assert not is_found_again(corpus)


def test_when_the_key_cannot_be_known_it_is_searched(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise DatabaseUnavailable

    is_found_again(corpus)
    monkeypatch.setattr(caching_searches, "standing_for", broken)
    assert not is_found_again(corpus)


def test_it_is_bounded_in_bytes(settings: Settings) -> None:
    settings.CACHE_MEMORY_BYTES = 100_000
    found: Retrieved = made_retrieved("x" * 20_000)
    for number in range(10):
        search_memory().put(str(number), CachedSearch(found.passages, answerable=True, made_at=1e12))
    assert search_memory().usage().bytes <= 100_000
    assert [search_memory().get(str(number)) is not None for number in (0, 5, 6, 9)] == [False, False, True, True]


def test_what_is_kept_in_postgres_is_pruned(
    corpus: Corpus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_entries, "PRUNE_EVERY", 1)
    settings.CACHE_MAX_ANSWERS = 2
    for question in ("leave", "parking", "canteen", "trips"):
        is_found_again(corpus, question)
    background_writer.store_now()
    assert CacheEntry.objects.count() == 2
    settings.CACHE_TTL_SECONDS = 0
    assert shared_entries.prune() == 2


def test_a_question_reads_the_askers_standing_once(corpus: Corpus) -> None:
    for act in (lambda: search(ask(corpus)), lambda: answer_question(ask(corpus, PARKING_QUESTION))):
        memory().clear()
        with CaptureQueriesContext(connection) as queries:
            act()
        assert sum('"has_closed"' in query["sql"] for query in queries) == 1
