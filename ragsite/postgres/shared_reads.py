"""Reads that many threads want at once are made once, and are never older than the question of any of them. Pure."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 10.0  # for another thread's read; then one's own
# When so many questions came within so short a time, a read waits a moment for more of them. It costs less time than
# it saves: they all wait for a processor anyhow.
MANY, SHORT_SECONDS, MOMENT_SECONDS = 10, 0.025, 0.005


class _Round(Generic[T]):
    """One read, and who waits for it."""

    def __init__(self) -> None:
        # Held until the read is over; then whoever gets it passes it on at once. An Event would wake them all together,
        # to wait for the interpreter's lock instead, and costs each of them a lock of its own.
        self._baton = threading.Lock()
        self._baton.acquire()
        self.result: tuple[T] | None = None  # None: it failed
        self.error: Exception | None = None

    def end(self) -> None:
        """Let those who wait go on. Called once."""
        self._baton.release()

    def wait(self, seconds: float) -> bool:
        """Return whether the read was over in time."""
        if not self._baton.acquire(timeout=seconds):
            return False
        self._baton.release()
        return True


class ReadTogether(Generic[T]):
    """Lets threads of a process that want the same at the same time share a read.

    Whoever comes while a read is under way waits for the next one: that one begins later than they asked, so that it
    sees all that was committed before. Under load one read serves everybody who came during the one before; alone, a
    read is just made. A read that fails fails for its leader only, and the others read for themselves; but an error
    that `is_everybodys` is raised for all who wait, for they would wait as long for nothing again.
    """

    def __init__(
        self,
        *,
        is_everybodys: Callable[[Exception], bool] = lambda error: False,
        check_before_own: Callable[[], None] = lambda: None,
    ) -> None:
        """`check_before_own` is called by whoever lost patience with another's read; it may raise."""
        self._is_everybodys = is_everybodys
        self._check_before_own = check_before_own
        self._lock = threading.Lock()
        # By key: the read under way, and the one that has not begun yet. One of them may be None.
        self._rounds: dict[Hashable, tuple[_Round[T] | None, _Round[T] | None]] = {}
        self._asked_at: deque[float] = deque(maxlen=MANY)

    def __len__(self) -> int:
        return len(self._rounds)

    def read(self, key: Hashable, act: Callable[[], T], *, patience_seconds: float = PATIENCE_SECONDS) -> T:
        """Return what `act` returns, called after this was; by this thread or another one with an equal key.

        Another thread's read is waited for no longer than `patience_seconds`.
        """
        now = time.monotonic()
        with self._lock:
            self._asked_at.append(now)
            is_busy = len(self._asked_at) == MANY and now - self._asked_at[0] < SHORT_SECONDS
            running, waiting = self._rounds.get(key, (None, None))
            mine: _Round[T] = waiting or _Round()
            if waiting is None:
                self._rounds[key] = (running, mine)
        if waiting is None:
            pause_seconds = min(patience_seconds, MOMENT_SECONDS) if is_busy else 0.0
            return self._lead(key, mine, running, act, pause_seconds, patience_seconds)
        self._wait(mine, patience_seconds)
        return act() if mine.result is None else mine.result[0]

    def _wait(self, other: _Round[T], patience_seconds: float) -> None:
        if not other.wait(patience_seconds):
            self._check_before_own()
        if other.error is not None and self._is_everybodys(other.error):
            raise other.error

    def _lead(
        self,
        key: Hashable,
        mine: _Round[T],
        before: _Round[T] | None,
        act: Callable[[], T],
        pause_seconds: float,
        patience_seconds: float,
    ) -> T:
        try:
            if pause_seconds:
                time.sleep(pause_seconds)
            if before is not None:
                self._wait(before, patience_seconds)
            with self._lock:  # from now on, who comes waits for the next one
                self._rounds[key] = (mine, None)
            result = act()
            mine.result = (result,)
            return result
        except Exception as exc:
            mine.error = exc
            raise
        finally:
            with self._lock:
                running, waiting = self._rounds.get(key, (None, None))
                left = (None if running is mine else running, None if waiting is mine else waiting)
                if left == (None, None):
                    self._rounds.pop(key, None)
                else:
                    self._rounds[key] = left
            mine.end()
