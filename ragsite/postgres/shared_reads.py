"""Shares one read among the threads that ask for the same at the same time. Knows no Django.

Concurrent identical reads share one query, and no caller gets a result that was read before it asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 10.0  # for another thread's read; then a caller reads for itself


class _Read(Generic[T]):
    """One read; `result` is None while it runs, and when it failed."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: tuple[T] | None = None
        self.error: Exception | None = None


class SharedReads(Generic[T]):
    """Lets the threads of a process that want the same thing at the same time share a read.

    A caller that comes while a read is running joins the next one: that one begins later than the caller asked, so it
    sees everything that was committed before. Under load one read serves all callers that came during the one before; a
    single caller just reads. A read that fails raises for the thread that made it, and the others read for themselves;
    but an error that `is_shared_failure` is raised in all of them, because each would wait as long for the same error.
    """

    def __init__(
        self,
        *,
        is_shared_failure: Callable[[Exception], bool] = lambda error: False,
        check_before_own: Callable[[], None] = lambda: None,
    ) -> None:
        """`check_before_own` is called by a thread that waited in vain, before it reads for itself; it may raise."""
        self._is_shared_failure = is_shared_failure
        self._check_before_own = check_before_own
        self._lock = threading.Lock()
        self._running: dict[Hashable, _Read[T]] = {}
        self._next: dict[Hashable, _Read[T]] = {}  # not begun: new callers join these

    def __len__(self) -> int:
        return len(self._running) + len(self._next)

    def read(self, key: Hashable, act: Callable[[], T], *, patience_seconds: float = PATIENCE_SECONDS) -> T:
        """Return what `act` returns when called after this method was, by this thread or one with an equal key.

        Another thread's read is waited for no longer than `patience_seconds`.
        """
        with self._lock:
            joined, running = self._next.get(key), self._running.get(key)
            if joined is None:
                mine = self._next[key] = _Read[T]()
        if joined is None:
            return self._lead(key, mine, running, act, patience_seconds)
        self._wait(joined, patience_seconds)
        return act() if joined.result is None else joined.result[0]

    def _wait(self, other: _Read[T], patience_seconds: float) -> None:
        if not other.done.wait(patience_seconds):
            self._check_before_own()
        if other.error is not None and self._is_shared_failure(other.error):
            raise other.error

    def _lead(
        self, key: Hashable, mine: _Read[T], running: _Read[T] | None, act: Callable[[], T], patience_seconds: float
    ) -> T:
        """Read once the running read is over, for this thread and those that joined meanwhile."""
        try:
            if running is not None:
                self._wait(running, patience_seconds)
            with self._lock:  # from now on, callers join the next read
                self._running[key] = self._next.pop(key)
            result = act()
            mine.result = (result,)
            return result
        except Exception as exc:
            mine.error = exc
            raise
        finally:
            with self._lock:
                for reads in (self._running, self._next):
                    if reads.get(key) is mine:
                        del reads[key]
            mine.done.set()
