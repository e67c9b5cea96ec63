"""Sliding window of call outcomes, counted by the second, so that a rate costs the same at any traffic."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass
class _Second:
    number: int
    calls: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """What share of `calls` failed, and what share was slow; 0 to 1."""

    calls: int
    failure: float
    slow: float


class Window:
    """A sliding window; the clock and the locking are the caller's."""

    def __init__(self) -> None:
        self._seconds: deque[_Second] = deque()

    def add(self, now: float, *, failed: bool = False, slow: bool = False) -> None:
        """Count one outcome."""
        if not self._seconds or self._seconds[-1].number != int(now):
            self._seconds.append(_Second(int(now)))
        second = self._seconds[-1]
        second.calls += 1
        second.failures += failed
        second.slow += slow

    def rates(self, now: float, width_seconds: float) -> Rates:
        """Return the rates of the last `width_seconds`, and forget what is older."""
        while self._seconds and self._seconds[0].number < now - width_seconds:
            self._seconds.popleft()
        calls = sum(second.calls for second in self._seconds)
        if not calls:
            return Rates(0, 0.0, 0.0)
        failures = sum(second.failures for second in self._seconds)
        slow = sum(second.slow for second in self._seconds)
        return Rates(calls, failures / calls, slow / calls)

    def clear(self) -> None:
        """Forget everything."""
        self._seconds.clear()
