"""Runs blocking calls for coroutines in a thread pool, within a deadline, and closes their database connections."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import connections

from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded
from ragsite.per_process import PerProcess

T = TypeVar("T")
GRACE_SECONDS = 0.2  # for a call that ends at the deadline by itself, to report that

# Not the threads of the legs: a question that waits in one of these for its legs must not keep them from a thread.
_threads: PerProcess[int, ThreadPoolExecutor] = PerProcess(
    lambda workers: ThreadPoolExecutor(workers, thread_name_prefix="fetch"),
    lambda: max(1, int(settings.RAG_EXECUTOR_WORKERS)),
    lambda executor: executor.shutdown(wait=False),
)


async def in_thread(act: Callable[[], T], deadline: Deadline) -> T:
    """Return what `act` returns, run in a pool of RAG_EXECUTOR_WORKERS threads.

    Raises DeadlineExceeded when it takes too long. A cancelled coroutine returns at once: a call that had not begun
    never does, and one that had begun ends by its own limits.
    """
    future = _threads().submit(contextvars.copy_context().run, _run, act, deadline)
    try:
        async with asyncio.timeout(deadline.remaining() + GRACE_SECONDS) as limit:
            return await asyncio.wrap_future(future)
    except TimeoutError as exc:
        if limit.expired():
            raise DeadlineExceeded from exc
        raise


def _run(act: Callable[[], T], deadline: Deadline) -> T:
    try:
        deadline.check()
        return act()
    finally:
        connections.close_all()
