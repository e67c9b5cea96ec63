"""New streams start at once; written ones finish in their order, while there is room or no load."""

from __future__ import annotations

import threading

import pytest
from pytest_django import Settings

from querying.concurrency.search_queue import search_queue
from querying.concurrency.stream_priority import (
    STREAMS_PER_SEARCH,
    ScheduledStream,
    StreamScheduler,
    stream_scheduler,
)

pytestmark = pytest.mark.django_db


class Load:
    """Whether searches wait."""

    def __init__(self, *, is_crowded: bool = True) -> None:
        self.is_crowded = is_crowded


@pytest.fixture
def load() -> Load:
    return Load()


@pytest.fixture
def two(load: Load) -> StreamScheduler:
    return StreamScheduler(2, lambda: load.is_crowded)


def reading(scheduler: StreamScheduler) -> ScheduledStream:
    """Return a stream whose passages were found, and whose text the model writes."""
    stream = scheduler.start()
    stream.pause()
    return stream


def is_granted(stream: ScheduledStream) -> bool:
    return stream.wait(0)


def test_without_load_all_finish_at_once(two: StreamScheduler, load: Load) -> None:
    load.is_crowded = False
    newcomers = [two.start() for _ in range(5)]
    assert all(reading(two).may_finish() for _ in range(5))
    assert len(newcomers) == 5


def test_with_room_a_stream_finishes_under_load(two: StreamScheduler) -> None:
    newcomer = two.start()
    assert reading(two).may_finish()
    assert not reading(two).may_finish()
    newcomer.pause()


def test_streams_finish_in_their_order_as_new_ones_have_something_to_read(two: StreamScheduler) -> None:
    ends = [reading(two) for _ in range(3)]
    newcomers = [two.start() for _ in range(3)]
    assert [each.may_finish() for each in ends] == [False, False, False]
    newcomers[0].pause()
    assert [is_granted(each) for each in ends] == [False, False, False]  # two are still active
    newcomers[1].pause()
    assert [is_granted(each) for each in ends] == [True, False, False]
    newcomers[2].pause()
    assert [is_granted(each) for each in ends] == [True, True, False]
    ends[1].pause()
    assert [is_granted(each) for each in ends] == [True, True, True]


def test_a_new_stream_starts_at_once_and_before_the_next_one_finishes(two: StreamScheduler) -> None:
    first, second = reading(two), reading(two)
    newcomers = [two.start(), two.start()]
    assert [first.may_finish(), second.may_finish()] == [False, False]
    latest = two.start()
    newcomers[0].pause()
    assert not is_granted(first)
    latest.pause()
    assert [is_granted(first), is_granted(second)] == [True, False]


def test_a_stream_that_ends_makes_room_once(two: StreamScheduler) -> None:
    newcomers = [two.start(), two.start()]
    gone, first, second = reading(two), reading(two), reading(two)
    assert [each.may_finish() for each in (gone, first, second)] == [False, False, False]
    gone.pause()
    gone.pause()
    newcomers[0].pause()
    newcomers[0].pause()
    assert [is_granted(each) for each in (gone, first, second)] == [False, True, False]


def test_no_stream_waits_once_the_load_is_over(two: StreamScheduler, load: Load) -> None:
    newcomers = [two.start(), two.start()]
    end = reading(two)
    assert not end.may_finish()
    assert not end.wait(0.01)
    load.is_crowded = False
    assert end.wait(0.01)
    end.pause()
    for each in newcomers:
        each.pause()
    assert (two.active, two.waiting) == (0, 0)


def test_a_stream_is_granted_from_another_thread(two: StreamScheduler) -> None:
    newcomers = [two.start(), two.start()]
    end = reading(two)
    assert not end.may_finish()
    threading.Timer(0.05, newcomers[0].pause).start()
    assert end.wait(60)


def test_the_scheduler_of_a_process_has_the_size_of_its_search_queue(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stream_scheduler()
    assert stream_scheduler() is before
    assert before.size == STREAMS_PER_SEARCH * search_queue().size
    monkeypatch.setattr(search_queue(), "_crowded_at", float("-inf"))
    assert not before.is_crowded()
    monkeypatch.setattr(search_queue(), "_crowded_at", float("inf"))
    assert before.is_crowded()
    settings.DATABASE_POOL_SIZE += 3
    assert stream_scheduler().size == before.size + STREAMS_PER_SEARCH * 3
