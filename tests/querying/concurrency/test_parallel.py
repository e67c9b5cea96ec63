"""Parallel legs: each has a result or a reason within the deadline, and every connection is released."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections
from pytest_django import Settings

from querying.concurrency import parallel
from querying.concurrency.parallel import LegFailure, gather
from ragsite.deadline import Deadline
from ragsite.errors import Overloaded
from ragsite.postgres.base import open_pools
from ragsite.postgres.limits import bounded_transaction
from ragsite.web.request_id import current_request_id

pytestmark = pytest.mark.django_db(transaction=True)


def in_use() -> int:
    """Return how many connections are out of the pool, the test's own given back."""
    connection.close()
    stats = open_pools()[connection.alias].get_stats()
    return stats["pool_size"] - stats["pool_available"]


def eventually(holds: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 20
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return holds()


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def backends_of(names: str) -> set[object]:
    """Return the backends that served these legs, none of which ended before all had one."""
    meeting = threading.Barrier(len(names), timeout=20)

    def leg() -> int:
        pid = backend()
        meeting.wait()
        return pid

    found = gather(dict.fromkeys(names, leg), Deadline.after(30)).values()
    return {pid for pid in found if isinstance(pid, int)}


def sleeping(seconds: float, *, at_most: float = 30) -> Callable[[], str]:
    def leg() -> str:
        with bounded_transaction(at_most), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [seconds])
        return threading.current_thread().name

    return leg


def fails() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    return "never"


@pytest.fixture(autouse=True)
def pool_is_open() -> Iterator[None]:
    """The pool is there, and all of it is free again after every test."""
    connection.ensure_connection()
    assert eventually(lambda: in_use() == 0), "a thread of another test keeps its connection"
    yield
    assert eventually(lambda: in_use() == 0), "a leg kept its connection"


def test_legs_have_threads_and_connections_of_their_own() -> None:
    assert len(backends_of("abcd")) == 4
    assert in_use() == 0


def test_the_caller_holds_no_connection_while_the_legs_do() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def leg() -> int:
        connection.ensure_connection()
        meeting.wait()
        stats = open_pools()[connection.alias].get_stats()
        meeting.wait()
        return int(stats["pool_size"] - stats["pool_available"])

    connection.ensure_connection()
    assert gather({"a": leg, "b": leg}, Deadline.after(30)) == {"a": 2, "b": 2}


def test_results_come_in_the_order_of_the_legs() -> None:
    legs = {name: sleeping(seconds) for name, seconds in {"slow": 0.2, "fast": 0.0, "middling": 0.1}.items()}
    assert list(gather(legs, Deadline.after(10))) == ["slow", "fast", "middling"]


def test_a_leg_that_fails_is_reported_and_the_others_answer() -> None:
    found = gather({"good": lambda: "found", "bad": fails, "other": lambda: "found"}, Deadline.after(10))
    assert (found["good"], found["other"]) == ("found", "found")
    failure = found["bad"]
    assert isinstance(failure, LegFailure)
    assert (failure.status, type(failure.error).__name__) == ("failed", "DataError")
    assert in_use() == 0


def test_a_stuck_leg_delays_no_other_and_releases_its_connection() -> None:
    deadline = Deadline.after(1.0)
    found = gather({"stuck": sleeping(30, at_most=4), "good": lambda: "found"}, deadline)
    assert found["good"] == "found"
    assert found["stuck"] == LegFailure()
    assert found["stuck"].status == "late"
    assert in_use() == 1, "it was not waited for"
    assert eventually(lambda: in_use() == 0), "its own limit ends it"


def test_one_that_its_statement_limit_ended_is_late() -> None:
    found = gather({"slow": sleeping(30, at_most=0.1), "good": lambda: "found"}, Deadline.after(10))
    assert isinstance(found["slow"], LegFailure)
    assert found["slow"].status == "late"


def test_no_time_left_is_late_and_nothing_is_begun() -> None:
    begun: list[str] = []
    found = gather({name: lambda: begun.append("x") for name in "ab"}, Deadline.after(0))
    assert [leg.status for leg in found.values() if isinstance(leg, LegFailure)] == ["late", "late"]
    assert begun == []


def test_a_cancelled_caller_leaves_no_connection_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        assert eventually(lambda: in_use() == 2)
        raise GeneratorExit

    monkeypatch.setattr(parallel, "wait", gone)
    with pytest.raises(GeneratorExit):
        gather({"a": sleeping(1.0), "b": fails, "c": sleeping(1.0)}, Deadline.after(10))
    assert eventually(lambda: in_use() == 0)
    monkeypatch.undo()
    assert len(backends_of("abcd")) == 4, "its threads are free for others"


def test_the_request_id_goes_along() -> None:
    token = current_request_id.set("request-7")
    try:
        found = gather(dict.fromkeys("ab", current_request_id.get), Deadline.after(10))
    finally:
        current_request_id.reset(token)
    assert found == {"a": "request-7", "b": "request-7"}


def test_one_leg_stays_in_the_callers_thread_and_keeps_its_connection() -> None:
    before = backend()
    assert gather({"only": backend}, Deadline.after(10)) == {"only": before}
    connection.close()


@pytest.mark.parametrize("workers", [1, 0])
def test_without_workers_legs_run_one_after_another(settings: Settings, workers: int) -> None:
    settings.RAG_EXECUTOR_WORKERS = workers
    here = threading.current_thread().name
    assert gather({"a": sleeping(0), "b": sleeping(0)}, Deadline.after(10)) == {"a": here, "b": here}


def test_inside_a_transaction_legs_see_what_it_has_written() -> None:
    with bounded_transaction(10):
        before = backend()
        found = gather({"a": backend, "b": backend}, Deadline.after(10))
    assert found == {"a": before, "b": before}


def test_what_finds_no_thread_runs_in_the_callers(settings: Settings) -> None:
    settings.RAG_EXECUTOR_WORKERS = 2
    names = gather({name: sleeping(0.2) for name in "abcde"}, Deadline.after(10))
    here = threading.current_thread().name
    assert list(names.values()).count(here) >= 1
    assert len(set(names.values())) == 3
    assert in_use() == 0


def hold_all_but(free: int) -> list[object]:
    pool = open_pools()[connection.alias]
    return [pool.getconn() for _ in range(pool.max_size - free)]


def test_threads_that_get_free_are_used_again() -> None:
    here = threading.current_thread().name

    def leg() -> str:
        if threading.current_thread().name == here:
            time.sleep(0.3)  # meanwhile the others are done with theirs
        return threading.current_thread().name

    found = gather(dict.fromkeys("abcdefghijkl", leg), Deadline.after(10))
    assert list(found.values()).count(here) <= 6
    assert not [leg for leg in found.values() if isinstance(leg, LegFailure)]


def test_an_exhausted_pool_is_waited_for_by_one_leg_at_a_time() -> None:
    held = hold_all_but(1)
    pool = open_pools()[connection.alias]
    try:
        here = threading.current_thread().name
        found = gather({name: sleeping(0.1) for name in "abcd"}, Deadline.after(10))
        assert len([leg for leg in found.values() if isinstance(leg, LegFailure)]) == 0, "nobody waits in vain"
        assert here in found.values()
    finally:
        connection.close()
        for each in held:
            pool.putconn(each)


def test_requests_that_all_have_several_legs_never_wait_for_each_other() -> None:
    """Twice as many callers as connections: one who held a connection while it waits for another would hang here."""
    failures: list[object] = []

    def caller() -> None:
        try:
            connection.ensure_connection()
            for _ in range(5):
                found = gather({name: sleeping(0.01) for name in "abcd"}, Deadline.after(30))
                failures.extend(leg for leg in found.values() if isinstance(leg, LegFailure))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=caller) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


def test_our_own_errors_keep_their_meaning() -> None:
    def refuses() -> str:
        raise Overloaded(retry_after_seconds=1)

    found = gather({"a": refuses, "b": lambda: "found"}, Deadline.after(10))
    assert isinstance(found["a"], LegFailure)
    assert isinstance(found["a"].error, Overloaded)
