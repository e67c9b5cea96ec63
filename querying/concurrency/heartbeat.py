"""Runs a blocking call in a worker thread, and yields heartbeats until it returns."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

from querying.types import HEARTBEAT, Heartbeat
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded

P = ParamSpec("P")
T = TypeVar("T")
GRACE_SECONDS = 0.2  # what is bounded by the deadline itself may be that late

_threads: ThreadPoolExecutor | None = None
_making = threading.Lock()


def beside(
    deadline: Deadline, call: Callable[P, T], *args: P.args, **options: P.kwargs
) -> Generator[Heartbeat, None, T]:
    """Yield a heartbeat every STREAM_HEARTBEAT_SECONDS until the call returns, then return what it returned.

    Without it, a reader who leaves during a slow search is only noticed at the first token. Raises what the call
    raises, and DeadlineExceeded when it outlives the deadline (it is left to end by itself).
    """
    context = contextvars.copy_context()
    future = _executor().submit(context.run, _then_give_connections_back, partial(call, *args, **options))
    while wait([future], timeout=deadline.cap(settings.STREAM_HEARTBEAT_SECONDS) + GRACE_SECONDS / 4).not_done:
        if deadline.remaining() <= 0 and wait([future], timeout=GRACE_SECONDS).not_done:
            future.cancel()
            raise DeadlineExceeded
        yield HEARTBEAT
    return future.result()


def _then_give_connections_back(call: Callable[[], T]) -> T:
    """Return what the call returns. A connection that a thread of ours keeps is lost to everybody else for ever."""
    try:
        return call()
    finally:
        connections.close_all()


def _executor() -> ThreadPoolExecutor:
    global _threads
    with _making:
        if _threads is None:
            # As many as there can be streams: none waits for a thread.
            _threads = ThreadPoolExecutor(settings.MAX_OPEN_STREAMS, thread_name_prefix="beside-stream")
        return _threads
