"""Limits how many questions search at once to what the database pool can serve; the others queue without a connection.

A hundred threads that search at once are all slow, and those that wait for a connection time out although the pool is
working. Here a search only fails when no other one has started or ended for as long as a connection is waited for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, Overloaded
from ragsite.per_process import PerProcess
from ragsite.postgres.thread_connection import release_connection

RESERVED_CONNECTIONS = 2  # of the pool, for everything that is short
CROWDED_SECONDS = 1.0  # without a queue, before the load counts as over


class SearchQueue:
    """A FIFO queue for `size` slots."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._free = size
        self._queue: deque[threading.Event] = deque()
        self._moved_at = 0.0  # when a slot was taken or freed, on the monotonic clock
        self._crowded_at = -CROWDED_SECONDS  # when a search last waited, on the same clock

    @contextmanager
    def slot(self, deadline: Deadline, *, stall_seconds: float) -> Iterator[None]:
        """Run the block with a slot held.

        Raises DeadlineExceeded when none gets free in time, and Overloaded when none was taken or freed for
        `stall_seconds`.
        """
        granted = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                self._moved_at = time.monotonic()
                granted.set()
            else:
                self._queue.append(granted)
        if not granted.is_set():
            self._wait(granted, deadline, stall_seconds)
        try:
            yield
        finally:
            self._leave()

    @property
    def free(self) -> int:
        """Return how many slots are free."""
        return self._free

    @property
    def waiting(self) -> int:
        """Return how many searches wait for a slot."""
        return len(self._queue)

    @property
    def is_crowded(self) -> bool:
        """Return whether a search waits, or has waited within the last CROWDED_SECONDS."""
        return bool(self._queue) or time.monotonic() - self._crowded_at < CROWDED_SECONDS

    def _wait(self, granted: threading.Event, deadline: Deadline, stall_seconds: float) -> None:
        if not connection.in_atomic_block:
            release_connection()
        while True:
            stalled_at = self._moved_at + stall_seconds  # also of a stall that began before this search came
            if granted.wait(max(0.0, min(stalled_at - time.monotonic(), deadline.remaining()))):
                return
            is_late = not deadline.remaining()
            with self._lock:
                if granted.is_set():
                    return
                if not is_late and time.monotonic() < self._moved_at + stall_seconds:
                    continue  # a slot moved meanwhile
                self._queue.remove(granted)
            raise DeadlineExceeded if is_late else Overloaded(retry_after_seconds=2)

    def _leave(self) -> None:
        with self._lock:
            self._moved_at = time.monotonic()
            if self._queue:
                self._queue.popleft().set()  # the slot passes to the next one
                self._crowded_at = self._moved_at
            else:
                self._free += 1


search_queue = PerProcess(
    SearchQueue, lambda: max(1, settings.DATABASE_POOL_SIZE + settings.DATABASE_MAX_OVERFLOW - RESERVED_CONNECTIONS)
)
