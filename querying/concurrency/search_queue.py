"""Lets as many questions search at once as the database pool can carry; the others wait in line, without a connection.

A hundred threads that search at once are all slow, and those that wait for a connection give up although the line
moves. Here nobody gives up while it moves: only when nothing has moved for as long as a connection is waited for.
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
from ragsite.postgres.thread_connection import release_connection

SPARED = 2  # connections of the pool that are left for everything short
CROWDED_SECONDS = 1.0  # what it takes to know that a line is gone for good


class Gate:
    """A door for `size` at a time, in the order of arrival."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._free = size
        self._line: deque[threading.Event] = deque()
        self._moved_at = 0.0  # when somebody came in or left, on the monotonic clock
        self._crowded_at = -CROWDED_SECONDS  # when there last was a line, on the same clock

    @contextmanager
    def passed(self, deadline: Deadline, *, stall_seconds: float) -> Iterator[None]:
        """Let the block run when it is its turn.

        Raises DeadlineExceeded when that is too late, and Overloaded when nobody has come or gone for
        `stall_seconds`.
        """
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                self._moved_at = time.monotonic()
                turn.set()
            else:
                self._line.append(turn)
        if not turn.is_set():
            self._wait(turn, deadline, stall_seconds)
        try:
            yield
        finally:
            self._leave()

    @property
    def free(self) -> int:
        """Return how many places are free."""
        return self._free

    @property
    def waiting(self) -> int:
        """Return how many stand in line."""
        return len(self._line)

    @property
    def is_crowded(self) -> bool:
        """Return whether somebody stands in line, or has within the last second."""
        return bool(self._line) or time.monotonic() - self._crowded_at < CROWDED_SECONDS

    def _wait(self, turn: threading.Event, deadline: Deadline, stall_seconds: float) -> None:
        if not connection.in_atomic_block:
            release_connection()
        while True:
            stalled_at = self._moved_at + stall_seconds  # also before one came: who comes late need not wait for it
            if turn.wait(max(0.0, min(stalled_at - time.monotonic(), deadline.remaining()))):
                return
            is_late = not deadline.remaining()
            with self._lock:
                if turn.is_set():
                    return
                if not is_late and time.monotonic() < self._moved_at + stall_seconds:
                    continue  # somebody left meanwhile
                self._line.remove(turn)
            raise DeadlineExceeded if is_late else Overloaded(retry_after_seconds=2)

    def _leave(self) -> None:
        with self._lock:
            self._moved_at = time.monotonic()
            if self._line:
                self._line.popleft().set()  # the place goes on to the next one
                self._crowded_at = self._moved_at
            else:
                self._free += 1


_making = threading.Lock()
_gate: Gate | None = None


def gate() -> Gate:
    """Return this process's gate."""
    global _gate
    size = max(1, settings.DATABASE_POOL_SIZE + settings.DATABASE_MAX_OVERFLOW - SPARED)
    with _making:
        if _gate is None or _gate.size != size:
            _gate = Gate(size)
        return _gate
