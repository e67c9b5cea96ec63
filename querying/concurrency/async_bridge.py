"""Blocking work for coroutines: in threads of ours, within a deadline, and no connection stays behind."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import connections

from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded

T = TypeVar("T")
GRACE_SECONDS = 0.2  # what is bounded by the deadline itself may say so, before it is given up


async def in_thread(act: Callable[[], T], deadline: Deadline) -> T:
    """Return what `act` returns, run in one of our threads. Raises DeadlineExceeded when that is not in time.

    Who is cancelled leaves at once. What had not begun never does; what had ends by its own limits.
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


_executor: tuple[int, ThreadPoolExecutor] | None = None
_making = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    """Return this process' threads for coroutines, of which there are RAG_EXECUTOR_WORKERS.

    Not those of the legs: a question that waits in one of these for its legs must not keep them from a thread.
    """
    global _executor
    workers = max(1, int(settings.RAG_EXECUTOR_WORKERS))
    with _making:
        if _executor is None or _executor[0] != workers:
            if _executor is not None:
                _executor[1].shutdown(wait=False)
            _executor = workers, ThreadPoolExecutor(workers, thread_name_prefix="fetch")
        return _executor[1]
