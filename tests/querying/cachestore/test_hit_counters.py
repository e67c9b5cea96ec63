"""Hits are counted per corpus and layer in the background, and survive restarts and database outages."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import search
from querying.cachestore import background_writer, hit_counters
from querying.cachestore.background_writer import Background, store_now
from querying.cachestore.hit_counters import CountBuffer, count, rates_of
from querying.cachestore.memory import memory
from querying.models import CacheCount
from querying.types import AnswerMode
from tests.querying.asking import ask, mode_of
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


def stored() -> dict[tuple[int, str], tuple[int, int]]:
    """Return hits and misses by corpus and layer, of all periods: a new one may begin in the middle of a test."""
    rows = CacheCount.objects.values_list("corpus_id", "layer").annotate(Sum("hits"), Sum("misses"))
    return {(corpus_id, layer): (hits, misses) for corpus_id, layer, hits, misses in rows}


def test_each_layer_is_counted_for_its_corpus(standin: StandIn) -> None:
    corpus, other = make_library(slug="handbook"), make_library(slug="other")
    modes = [mode_of(corpus), mode_of(corpus), mode_of(other)]
    assert modes == [AnswerMode.GENERATED, AnswerMode.CACHED, AnswerMode.GENERATED]
    memory().clear()
    mode_of(corpus)
    search(ask(corpus))
    store_now()
    counted = stored()
    assert counted[corpus.pk, "questions"] == (2, 1)
    assert counted[corpus.pk, "memory"] == (1, 2)
    assert counted[corpus.pk, "postgres"] == (1, 1)
    assert counted[corpus.pk, "search"] == (1, 1)
    assert counted[corpus.pk, "search_shared"] == (0, 1)
    assert counted[other.pk, "questions"] == (0, 1)


def test_a_question_to_several_corpora_counts_for_each() -> None:
    corpora = (make_library(slug="a"), make_library(slug="b"))
    asked = ask(corpora[0])
    search(type(asked)(asked.text, corpora, asked.principal, asked.deadline))
    store_now()
    assert {stored()[corpus.pk, "search"] for corpus in corpora} == {(0, 1)}


def test_counting_costs_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        for _ in range(100):
            count("memory", hit=True, corpora=[1, 2])
    with CaptureQueriesContext(connection) as queries:
        store_now()
    assert sum("INSERT INTO querying_cachecount" in query["sql"] for query in queries) == 1
    assert stored() == {(1, "memory"): (100, 0), (2, "memory"): (100, 0)}


def test_while_the_database_is_away_counts_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(batch: object) -> None:
        raise OperationalError("gone")

    count("memory", hit=True, corpora=[1])
    with monkeypatch.context() as patch:
        patch.setattr(hit_counters, "_add", broken)
        store_now()
        count("memory", hit=False, corpora=[1])
        store_now()
    assert stored() == {}
    store_now()
    assert stored() == {(1, "memory"): (1, 1)}
    store_now()
    assert stored() == {(1, "memory"): (1, 1)}


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hit_counters, "MAX_WAITING", 3)
    for corpus_id in range(10):
        count("memory", hit=True, corpora=[corpus_id])
    count("memory", hit=True, corpora=[0])
    store_now()
    assert stored() == {(0, "memory"): (2, 0), (1, "memory"): (1, 0), (2, "memory"): (1, 0)}


def test_processes_add_to_each_others_counts() -> None:
    processes = [CountBuffer() for _ in range(4)]
    for number, counts in enumerate(processes):
        # Each in another order: they must not wait for each other in a circle.
        for corpus_id in sorted(range(20), reverse=bool(number % 2)):
            counts.add("memory", [corpus_id], hit=number > 0)

    def store(counts: CountBuffer) -> None:
        counts.store()
        connection.close()

    threads = [threading.Thread(target=store, args=[counts]) for counts in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert stored() == {(corpus_id, "memory"): (3, 1) for corpus_id in range(20)}


def test_rates_are_of_the_time_asked_for() -> None:
    now = timezone.now()
    for hours, hits in ((0, 3), (5, 10), (30, 100)):
        CacheCount.objects.create(corpus_id=1, layer="memory", since=now - timedelta(hours=hours), hits=hits, misses=1)
    CacheCount.objects.create(corpus_id=2, layer="memory", since=now, hits=7)
    hour, day = (rates_of(1, since=now - timedelta(hours=hours)) for hours in (1, 24))
    assert [(rate.layer, rate.hits, rate.misses) for rate in hour] == [("memory", 3, 1)]
    assert [(rate.hits, rate.share) for rate in day] == [(13, 13 / 15)]
    assert rates_of(3, since=now) == []


def test_old_counts_are_pruned() -> None:
    CacheCount.objects.create(
        corpus_id=1, layer="old", since=timezone.now() - timedelta(days=hit_counters.KEPT_DAYS + 1)
    )
    counts = CountBuffer()
    counts.add("memory", [1], hit=True)
    counts.store()
    assert set(stored()) == {(1, "memory")}


def test_a_corpus_under_change_holds_no_count_up() -> None:
    corpus = make_library(slug="handbook")
    count("memory", hit=True, corpora=[corpus.pk])
    done = threading.Event()

    def store() -> None:
        store_now()
        connection.close()
        done.set()

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM documents_corpus WHERE id = %s FOR UPDATE", [corpus.pk])
        threading.Thread(target=store).start()
        assert done.wait(20)
        cursor.execute("ROLLBACK")
    assert stored() == {(corpus.pk, "memory"): (1, 0)}


def test_the_background_stores_by_itself_and_survives_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = threading.Semaphore(0)

    def store() -> None:
        calls.release()
        raise ZeroDivisionError

    monkeypatch.setattr(background_writer, "STORE_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(background_writer, "_stores", [store])
    background = Background()
    try:
        background.begin()
        background.begin()
        assert all(calls.acquire(timeout=10) for _ in range(3))
        assert [thread.name for thread in threading.enumerate()].count("cache-storing") == 1
    finally:
        background.end()  # or it would store for the tests that follow
    assert "cache-storing" not in [thread.name for thread in threading.enumerate()]


def test_what_is_being_stored_when_the_process_ends_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, goes_on, ended = threading.Event(), threading.Event(), []

    def store() -> None:
        if not taken.is_set():  # the thread has what waited in hand: nobody else would store it
            taken.set()
            goes_on.wait(20)
            ended.append(threading.current_thread().name)

    background = Background()
    monkeypatch.setattr(background_writer, "STORE_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(background_writer, "_stores", [store])
    monkeypatch.setattr(background_writer._current, "background", background)
    background.begin()
    assert taken.wait(20)
    threading.Timer(0.2, goes_on.set).start()
    background_writer._at_exit()
    assert ended == ["cache-storing"]
