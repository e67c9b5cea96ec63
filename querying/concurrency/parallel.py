"""Runs the legs of one question in parallel if threads and connections are free, else one after another.

A leg is a part of the search that an answer can do without: a corpus, a source. A leg in a thread of the pool takes a
database connection there, and always closes it: a connection that such a thread keeps is lost to all others.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, TypeVar

from django.conf import settings
from django.db import connection, connections
from psycopg.errors import QueryCanceled

from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, OllamaTimeout
from ragsite.per_process import PerProcess
from ragsite.postgres.base import open_pools

T = TypeVar("T")
GRACE_SECONDS = 0.05  # for a leg that ends at the deadline by itself


@dataclass(frozen=True)
class LegFailure:
    """Why a leg has no result. `error` None: it was still running when the time was over."""

    error: Exception | None = None

    @property
    def status(self) -> Literal["failed", "late"]:
        """Return `late` if only time was missing, else `failed`."""
        error = self.error
        is_late = error is None or isinstance(error, DeadlineExceeded | OllamaTimeout)
        return "late" if is_late or isinstance(getattr(error, "__cause__", None), QueryCanceled) else "failed"


def gather(legs: Mapping[str, Callable[[], T]], deadline: Deadline) -> dict[str, T | LegFailure]:
    """Return the result or the LegFailure of each leg, by name and in the given order, within the deadline.

    An exception of a leg becomes its LegFailure, and so does having no result at the deadline; a late leg ends by its
    own limits, without being waited for. The caller's connection is released first and each leg takes its own, so that
    no thread holds a connection while it waits for one. Legs without a free thread or connection run in the caller's
    thread, one after another; inside a transaction, which other threads would not see, all of them do.
    """
    if len(legs) < 2 or not can_run_in_parallel():
        return {name: _attempt(act, deadline) for name, act in legs.items()}
    connection.close()
    spare = _spare_connections()
    futures: dict[str, Future[T | LegFailure]] = {}
    results: dict[str, T | LegFailure] = {}
    rest = list(legs)
    while rest:
        for name in list(rest):
            running = sum(not future.done() for future in futures.values())
            future = _threads().begin(legs[name], deadline) if running < spare else None
            if future is not None:
                futures[name] = future
                rest.remove(name)
        if rest:
            name = rest.pop(0)
            results[name] = _attempt(legs[name], deadline)
    if results:
        connection.close()  # before the wait: another leg may need it
    wait(futures.values(), timeout=deadline.remaining() + GRACE_SECONDS)
    for name, future in futures.items():
        results[name] = future.result() if future.done() else LegFailure()
    return {name: results[name] for name in legs}


def can_run_in_parallel() -> bool:
    """Return whether legs may run in other threads: not inside a transaction, nor with RAG_EXECUTOR_WORKERS=1."""
    return int(settings.RAG_EXECUTOR_WORKERS) > 1 and not connection.in_atomic_block


class _Threads:
    """A thread pool without a queue: a caller that finds no free thread runs the leg itself."""

    def __init__(self, workers: int) -> None:
        self._free = threading.BoundedSemaphore(workers)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="leg")

    def begin(self, act: Callable[[], T], deadline: Deadline) -> Future[T | LegFailure] | None:
        """Start a leg in a copy of the caller's context, and return its future; None: no thread is free."""
        if not self._free.acquire(blocking=False):
            return None
        context = contextvars.copy_context()
        try:
            return self._executor.submit(context.run, self._run, act, deadline)
        except BaseException:
            self._free.release()
            raise

    def _run(self, act: Callable[[], T], deadline: Deadline) -> T | LegFailure:
        try:
            return _attempt(act, deadline)
        finally:
            try:
                connections.close_all()
            finally:
                self._free.release()


_threads = PerProcess(_Threads, lambda: int(settings.RAG_EXECUTOR_WORKERS))


def _attempt(act: Callable[[], T], deadline: Deadline) -> T | LegFailure:
    try:
        deadline.check()
        return act()
    except Exception as error:  # noqa: BLE001 - the caller of `gather` decides what each error means
        return LegFailure(error)


def _spare_connections() -> int:
    """Return how many connections are free; 0 while a thread waits for one."""
    most = int(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])
    pool = open_pools().get(connection.alias)
    if pool is None:
        return most
    stats = pool.get_stats()
    if stats.get("requests_waiting", 0):
        return 0
    return most - (stats["pool_size"] - stats["pool_available"])
