"""Searches run in their order, as many as fit; they fail only when none moves."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from querying.concurrency import search_queue
from querying.concurrency.search_queue import SearchQueue
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, Overloaded

pytestmark = pytest.mark.django_db


def hold(queue: SearchQueue, until: threading.Event, inside: threading.Event) -> None:
    with queue.slot(Deadline.after(30), stall_seconds=30):
        inside.set()
        assert until.wait(20)


def test_as_many_as_fit_are_in_at_once_and_the_others_follow_in_their_order() -> None:
    queue, order, most, inside = SearchQueue(2), [], [], []
    lock, go_on = threading.Lock(), threading.Event()

    def search(number: int) -> None:
        with queue.slot(Deadline.after(30), stall_seconds=30):
            with lock:
                order.append(number)
                inside.append(number)
                most.append(len(inside))
            assert go_on.wait(20)
            with lock:
                inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        searches = []
        for number in range(8):
            searches.append(pool.submit(search, number))
            while len(order) + queue.waiting <= number:
                threading.Event().wait(0.001)
        go_on.set()
        for each in searches:
            each.result(20)
    assert order[:2] == [0, 1]
    assert sorted(order) == list(range(8))
    assert max(most) == 2
    assert queue.free == 2


def test_a_search_is_refused_only_while_no_other_one_starts_or_ends() -> None:
    queue = SearchQueue(1)
    with ThreadPoolExecutor() as pool:
        until, inside = threading.Event(), threading.Event()
        holder = pool.submit(hold, queue, until, inside)
        assert inside.wait(20)
        with pytest.raises(Overloaded), queue.slot(Deadline.after(30), stall_seconds=0.05):
            raise AssertionError("it was not free")
        with pytest.raises(DeadlineExceeded), queue.slot(Deadline.after(0.05), stall_seconds=30):
            raise AssertionError("it was not free")
        assert queue.waiting == 0

        mine = threading.Event()
        waiting = pool.submit(hold, queue, until, mine)
        while not queue.waiting:
            threading.Event().wait(0.001)
        until.set()
        waiting.result(20)
        holder.result(20)
    assert mine.is_set()
    assert queue.free == 1


def test_a_search_that_fails_lets_the_next_one_in() -> None:
    queue = SearchQueue(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), queue.slot(Deadline.after(30), stall_seconds=30):
            raise ValueError("no")
    assert queue.free == 1


def test_it_is_crowded_while_there_is_a_line_and_for_a_moment_after(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, crowded = SearchQueue(1), []
    until, first, second = threading.Event(), threading.Event(), threading.Event()
    with ThreadPoolExecutor() as pool:
        holder = pool.submit(hold, queue, until, first)
        assert first.wait(20)
        crowded.append(queue.is_crowded)  # one is in, nobody waits
        waiting = pool.submit(hold, queue, until, second)
        while not queue.waiting:
            threading.Event().wait(0.001)
        monkeypatch.setattr(search_queue, "CROWDED_SECONDS", 0.0)
        crowded.append(queue.is_crowded)
        until.set()
        holder.result(20)
        waiting.result(20)
        crowded.append(queue.is_crowded)
        monkeypatch.setattr(search_queue, "CROWDED_SECONDS", 600.0)
        crowded.append(queue.is_crowded)
    assert crowded == [False, True, False, True]
