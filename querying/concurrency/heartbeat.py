"""Runs a blocking call in a worker thread, and yields heartbeats until it returns."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

from querying.types import HEARTBEAT, Heartbeat
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded
from ragsite.per_process import PerProcess

P = ParamSpec("P")
T = TypeVar("T")
GRACE_SECONDS = 0.2  # for a call that ends at the deadline by itself

_threads: PerProcess[int, ThreadPoolExecutor] = PerProcess(
    # As many as there can be streams, so that no call waits for a thread.
    lambda workers: ThreadPoolExecutor(workers, thread_name_prefix="beside-stream"),
    lambda: int(settings.MAX_OPEN_STREAMS),
    lambda executor: executor.shutdown(wait=False),
)


def beside(
    deadline: Deadline, call: Callable[P, T], *args: P.args, **options: P.kwargs
) -> Generator[Heartbeat, None, T]:
    """Yield a heartbeat every STREAM_HEARTBEAT_SECONDS until the call returns, then return what it returned.

    Without heartbeats, a disconnected reader would not be noticed during a slow search. Raises what the call raises,
    and DeadlineExceeded when it takes longer than the deadline (the call is left to end by itself).
    """
    context = contextvars.copy_context()
    future = _threads().submit(context.run, _and_close_connections, partial(call, *args, **options))
    while wait([future], timeout=deadline.cap(settings.STREAM_HEARTBEAT_SECONDS) + GRACE_SECONDS / 4).not_done:
        if deadline.remaining() <= 0 and wait([future], timeout=GRACE_SECONDS).not_done:
            future.cancel()
            raise DeadlineExceeded
        yield HEARTBEAT
    return future.result()


def _and_close_connections(call: Callable[[], T]) -> T:
    # A connection that a thread of the pool keeps is lost to all others.
    try:
        return call()
    finally:
        connections.close_all()
