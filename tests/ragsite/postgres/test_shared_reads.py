"""Concurrent identical reads share one query, and no caller gets a result that was read before it asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ragsite.postgres.shared_reads import SharedReads


class Store:
    """Something that is read slowly: each read waits until it is let through."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def read(self) -> int:
        self.reads += 1
        value = self.value
        self.begun.release()
        assert self.gate.acquire(timeout=10)
        return value


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(4000):
        if done():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never happened")


class Counted(SharedReads[int]):
    """Counts the threads that wait for a read: those that have not begun to would make a read of their own."""

    waiting = 0

    def _wait(self, *args: Any) -> None:
        self.waiting += 1
        super()._wait(*args)


def test_a_caller_that_comes_during_a_read_gets_one_that_began_later() -> None:
    shared, store = Counted(), Store()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(shared.read, "key", store.read)
        assert store.begun.acquire(timeout=10)
        store.value = 1  # committed after the first read began
        later = [pool.submit(shared.read, "key", store.read) for _ in range(3)]
        wait_until(lambda: shared.waiting == 3)
        store.gate.release(4)
        assert [each.result(10) for each in later] == [1, 1, 1]
        assert first.result(10) == 0
    assert store.reads < 4
    assert not shared


def test_many_at_once_share_few_reads() -> None:
    shared, store = Counted(), Store()
    with ThreadPoolExecutor(20) as pool:
        reads = [pool.submit(shared.read, "key", store.read) for _ in range(20)]
        assert store.begun.acquire(timeout=10)
        wait_until(lambda: shared.waiting == 19)
        store.gate.release(20)
        assert {each.result(10) for each in reads} == {0}
    assert store.reads == 2
    assert not shared


def test_different_keys_do_not_wait_for_each_other() -> None:
    shared, store = Counted(), Store()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(shared.read, "slow", store.read)
        assert store.begun.acquire(timeout=10)
        assert shared.read("quick", lambda: 7) == 7
        store.gate.release()
        slow.result(10)


def test_a_failure_is_raised_for_the_thread_that_read_only() -> None:
    shared, store = Counted(), Store()
    failures: list[bool] = []

    def fail_once() -> int:
        if not failures:
            failures.append(True)
            raise ValueError
        return 5

    with ThreadPoolExecutor() as pool:
        first = pool.submit(shared.read, "key", store.read)
        assert store.begun.acquire(timeout=10)
        later = [pool.submit(shared.read, "key", fail_once) for _ in range(3)]
        wait_until(lambda: shared.waiting == 3)
        store.gate.release()
        first.result(10)
        outcomes = [each.exception(10) or each.result() for each in later]
    assert sorted(map(str, outcomes)) == ["", "5", "5"]
    assert not shared


def test_a_shared_failure_is_raised_in_all_waiting_threads() -> None:
    shared, store = Counted(is_shared_failure=lambda error: isinstance(error, ValueError)), Store()

    def fail() -> int:
        store.read()
        raise ValueError

    with ThreadPoolExecutor() as pool:
        first = pool.submit(shared.read, "key", fail)
        assert store.begun.acquire(timeout=10)
        later = [pool.submit(shared.read, "key", store.read) for _ in range(3)]
        wait_until(lambda: shared.waiting == 3)
        store.gate.release()
        assert isinstance(first.exception(10), ValueError)
        assert all(isinstance(each.exception(10), ValueError) for each in later)
    assert store.reads == 1
    assert not shared


def test_a_thread_that_waited_in_vain_checks_before_it_reads_for_itself() -> None:
    def refuse() -> None:
        raise KeyError

    shared, store = Counted(check_before_own=refuse), Store()
    with ThreadPoolExecutor() as pool:
        stuck = pool.submit(shared.read, "key", store.read)
        assert store.begun.acquire(timeout=10)
        with pytest.raises(KeyError):
            shared.read("key", store.read, patience_seconds=0.05)
        store.gate.release()
        assert stuck.result(10) == 0
    assert not shared


def test_no_thread_waits_for_ever_for_one_that_is_stuck() -> None:
    shared, store = Counted(), Store()
    with ThreadPoolExecutor() as pool:
        stuck = pool.submit(shared.read, "key", store.read)
        assert store.begun.acquire(timeout=10)
        assert shared.read("key", lambda: 3, patience_seconds=0.05) == 3
        store.gate.release()
        assert stuck.result(10) == 0
    assert shared.read("key", lambda: 4) == 4
    assert not shared
