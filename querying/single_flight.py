"""Identical work in one process is done once: one leads, the others wait for the result. Pure: knows no questions.

When the leader fails or leaves, exactly one of those who wait leads instead, and the others go on waiting.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_FAILURES = 3  # leaders that failed one after the other; then it is no accident, and everybody is told

T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    news: threading.Condition
    seats: int = 0
    is_led: bool = False
    result: T | None = None
    failures: int = 0
    error: BaseException | None = field(default=None)


class Flights(Generic[T]):
    """The work under way in this process, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def board(self, key: str) -> Seat[T]:
        """Return a seat; the first one leads. Every seat must be left."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = _Flight(threading.Condition(self._lock))
            flight.seats += 1
            leads, flight.is_led = not flight.is_led, True
            return Seat(self, key, flight, leads=leads)

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class Seat(Generic[T]):
    """One participant. `result` is there once the leader has landed."""

    def __init__(self, flights: Flights[T], key: str, flight: _Flight[T], *, leads: bool) -> None:
        self._flights = flights
        self._key = key
        self._flight = flight
        self._is_left = False
        self.leads = leads

    @property
    def result(self) -> T | None:
        """Return what the leader has landed, or None."""
        return self._flight.result

    def wait(self, seconds: float) -> bool:
        """Wait for the result or for the lead; return whether one of them came.

        Raises the leader's error once several leaders in a row have failed.
        """
        flight = self._flight
        with flight.news:
            flight.news.wait_for(
                lambda: flight.result is not None or flight.error is not None or not flight.is_led, timeout=seconds
            )
            if flight.result is not None:
                return True
            if flight.error is not None:
                raise flight.error
            if not flight.is_led:
                self.leads = flight.is_led = True
            return self.leads

    def land(self, result: T) -> None:
        """Give the result to all who wait. Who comes later begins anew."""
        flight = self._flight
        with flight.news:
            flight.result = result
            self._flights._forget(self._key, flight)
            flight.news.notify_all()

    def leave(self, error: BaseException | None = None) -> None:
        """Leave, with the error if the work failed; a leader without a result hands the lead on."""
        flight = self._flight
        with flight.news:
            if self._is_left:
                return
            self._is_left = True
            flight.seats -= 1
            if self.leads:
                flight.is_led = False
                if error is not None:
                    flight.failures += 1
                    flight.error = error if flight.failures >= MAX_FAILURES else None
            if flight.seats == 0 or flight.error is not None:
                self._flights._forget(self._key, flight)
            flight.news.notify_all()
