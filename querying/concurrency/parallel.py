"""Runs the legs of one question side by side, where threads and connections are to spare; else one after another.

A leg is whatever the answer can do without: a corpus, a source. Each that goes to a thread of ours has a database
connection of its own there, and the connection goes back whatever happens: one that a thread keeps is lost to
everybody else for ever.
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
from ragsite.postgres.base import open_pools

T = TypeVar("T")
GRACE_SECONDS = 0.05  # what is bounded by the deadline itself ends that much after it


@dataclass(frozen=True)
class LegFailure:
    """Why a leg has no result. `error` None: it was still running when the time was over."""

    error: Exception | None = None

    @property
    def status(self) -> Literal["failed", "late"]:
        """Return whether it had failed, or only had no time."""
        error = self.error
        is_late = error is None or isinstance(error, DeadlineExceeded | OllamaTimeout)
        return "late" if is_late or isinstance(getattr(error, "__cause__", None), QueryCanceled) else "failed"


def gather(legs: Mapping[str, Callable[[], T]], deadline: Deadline) -> dict[str, T | LegFailure]:
    """Return the result of every leg, by name and in their order: those of all that worked, within the deadline.

    What a leg raises is its LegFailure, and so is having no result at the deadline; a leg that is late ends by its own
    limits, and nobody waits for it. The caller's connection is given back first, and each leg takes its own, so that
    nobody who waits for a connection holds one. Legs that find no free thread or connection run in the caller's thread,
    one after another; so do all of them inside a transaction, which other threads would not see.
    """
    if len(legs) < 2 or not can_run_beside():
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
        connection.close()  # before the others are waited for, who may wait for it
    wait(futures.values(), timeout=deadline.remaining() + GRACE_SECONDS)
    for name, future in futures.items():
        results[name] = future.result() if future.done() else LegFailure()
    return {name: results[name] for name in legs}


def can_run_beside() -> bool:
    """Return whether legs may run in other threads at all: not inside a transaction, nor where one worker is set."""
    return int(settings.RAG_EXECUTOR_WORKERS) > 1 and not connection.in_atomic_block


class _Threads:
    """A few threads for the whole process. Work never queues for them: who finds none free does it himself."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._free = threading.BoundedSemaphore(workers)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="leg")

    def begin(self, act: Callable[[], T], deadline: Deadline) -> Future[T | LegFailure] | None:
        """Begin a leg, in a copy of the caller's context; None: no thread is free for it."""
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


def _attempt(act: Callable[[], T], deadline: Deadline) -> T | LegFailure:
    try:
        deadline.check()
        return act()
    except Exception as error:  # noqa: BLE001 - whoever gathers decides what each error means
        return LegFailure(error)


def _spare_connections() -> int:
    """Return how many connections could be had at once; none while somebody waits for one."""
    most = int(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])
    pool = open_pools().get(connection.alias)
    if pool is None:
        return most
    stats = pool.get_stats()
    if stats.get("requests_waiting", 0):
        return 0
    return most - (stats["pool_size"] - stats["pool_available"])


_made: _Threads | None = None
_making = threading.Lock()


def _threads() -> _Threads:
    """Return this process' threads, of which there are RAG_EXECUTOR_WORKERS."""
    global _made
    workers = int(settings.RAG_EXECUTOR_WORKERS)
    with _making:
        if _made is None or _made.workers != workers:
            _made = _Threads(workers)
        return _made
