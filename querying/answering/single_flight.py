"""Runs concurrent identical work once, and streams its events to every caller. Knows nothing of questions.

All callers with the same key are members of one flight. The first one leads: it looks for a result, or starts a
generation, which is a generator of events. The generation belongs to the flight and to no member: a member that needs
the next event while no other one runs the generation runs it up to that event, in its own thread, and all members get
the event from a shared list. So a member that is slow or leaves, the leader included, delays no other one; the
generation is closed when the last member has left.

When the leader fails or leaves before there is a generation, or the generation fails, exactly one of the others leads.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.conf import settings

from querying.types import HEARTBEAT, Heartbeat

MAX_FAILURES = 3  # of leaders in a row; after that, every member gets the error

E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True)
class FinalEvent(Generic[T]):
    """The last event of a generation. The first member that leaves runs what the generation does after it."""

    result: T


Generation = Generator[E | Heartbeat | FinalEvent[T], None, None]


class _Flight(Generic[E, T]):
    def __init__(self, lock: threading.Lock) -> None:
        self.news = threading.Condition(lock)  # notified of every event
        self.ends = threading.Condition(lock)  # notified of results and failures, and when a member leaves
        self.running = threading.Lock()  # held by the member that runs the generation
        self.members = 0
        self.live_waiters = 0
        self.is_led = False
        self.starter: Member[E, T] | None = None
        self.generation: Generation[E, T] | None = None
        self.events: list[E] = []
        self.interruption: Exception | None = None
        self.was_interrupted = False
        self.result: T | None = None
        self.failures = 0
        self.error: BaseException | None = None

    def notify_all(self) -> None:
        self.news.notify_all()
        self.ends.notify_all()

    def count_failure(self, error: BaseException | None) -> None:
        self.is_led = False
        if error is not None:
            self.failures += 1
            self.error = error if self.failures >= MAX_FAILURES else None


class SingleFlight(Generic[E, T]):
    """The work under way in this process, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[E, T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def members(self) -> int:
        """Return the number of members of all flights."""
        return sum(flight.members for flight in list(self._flights.values()))

    def join(self, key: str) -> Member[E, T]:
        """Return a new member of this key's flight, which must `leave` at its end; the first one leads."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = _Flight(self._lock)
            flight.members += 1
            leads, flight.is_led = not flight.is_led, True
            return Member(self, key, flight, leads=leads)

    def alone(self) -> Member[E, T]:
        """Return the only member of a flight that no other caller can join."""
        flight: _Flight[E, T] = _Flight(self._lock)
        flight.members, flight.is_led = 1, True
        return Member(self, "", flight, leads=True)

    def forget(self, key: str, flight: _Flight[E, T]) -> None:
        """Take the flight away from its key: later callers start another one."""
        if self._flights.get(key) is flight:
            del self._flights[key]


class Member(Generic[E, T]):
    """One caller of a flight. `leads`: it has to find the result, or to start the generation that makes it."""

    def __init__(self, flights: SingleFlight[E, T], key: str, flight: _Flight[E, T], *, leads: bool) -> None:
        self._flights = flights
        self._key = key
        self._flight = flight
        self._failure: BaseException | None = None  # of the generation that this member started
        self._has_left = False
        self.leads = leads

    @property
    def result(self) -> T | None:
        """Return the flight's result; None: there is none yet."""
        return self._flight.result

    @property
    def was_interrupted(self) -> bool:
        """Return whether a member has thrown an exception into the generation."""
        return self._flight.was_interrupted

    def wait(self, seconds: float) -> bool:
        """Wait for a result, a generation or the lead; return whether one of them came within `seconds`.

        Raises the leader's error once several leaders in a row have failed.
        """
        flight = self._flight
        with flight.ends:
            flight.ends.wait_for(
                lambda: (
                    flight.result is not None
                    or flight.generation is not None
                    or flight.error is not None
                    or not flight.is_led
                ),
                timeout=seconds,
            )
            if flight.result is not None or flight.generation is not None:
                return True
            if flight.error is not None:
                raise flight.error
            if not flight.is_led:
                self.leads = flight.is_led = True
            return self.leads

    def publish(self, result: T) -> None:
        """Give the result to all members. Later callers start another flight."""
        flight = self._flight
        with flight.news:
            flight.result = result
            self._flights.forget(self._key, flight)
            flight.notify_all()

    def start(self, generation: Generation[E, T]) -> None:
        """Set the generation of the flight. It runs as its members call `read_along`."""
        flight = self._flight
        with flight.news:
            flight.starter, flight.generation, flight.events = self, generation, []
            flight.interruption, flight.was_interrupted = None, False
            flight.notify_all()

    def read_along(self, *, until: float = math.inf, live: bool = True) -> Generator[E | Heartbeat, None, T | None]:
        """Yield all events of the generation, from its first one on, and heartbeats in between; return its result.

        None: it failed, or had no result at `until` (on the monotonic clock). A member that is not `live` gets
        heartbeats only. The first exception that a member throws in here is thrown into the generation. Raises the
        generation's error in the member that started it.
        """
        flight, position = self._flight, 0
        generation, events = flight.generation, flight.events
        while True:
            event: E | Heartbeat | None
            if live and position < len(events):
                event = events[position]
                position += 1
            elif generation is None or flight.result is not None or flight.generation is not generation:
                break
            elif time.monotonic() >= until:
                return None
            elif flight.running.acquire(blocking=False):
                try:
                    event = self._run(generation, position if live else len(events))
                finally:
                    flight.running.release()
                if event is None or not (live or event is HEARTBEAT):
                    continue
                position += event is not HEARTBEAT
            elif self._wait_for_news(generation, position, until, live=live):
                continue
            else:
                event = HEARTBEAT
            try:
                yield event
            except Exception as exc:  # noqa: BLE001 - every exception is passed to the generation
                if not flight.was_interrupted:
                    flight.interruption, flight.was_interrupted = exc, True
        if self._failure is not None:
            raise self._failure
        return flight.result

    def leave(self, error: BaseException | None = None) -> None:
        """Leave, with the error if the work failed; a leader that has started nothing passes the lead on."""
        flight = self._flight
        with flight.news:
            if self._has_left:
                return
            self._has_left = True
            flight.members -= 1
            if flight.starter is self:
                flight.starter = None
            if self.leads and flight.generation is None:
                flight.count_failure(error)
            is_over = flight.result is not None or flight.members == 0
            generation, flight.generation = (flight.generation, None) if is_over else (None, flight.generation)
            if flight.members == 0 or flight.error is not None:
                self._flights.forget(self._key, flight)
            flight.notify_all()
        if generation is not None:
            if flight.result is not None:
                next(generation, None)
            generation.close()

    def _run(self, generation: Generation[E, T] | None, position: int) -> E | Heartbeat | None:
        """Run the generation up to its next event, and return that; None: another member has done so, or it is over."""
        flight = self._flight
        if generation is None or position < len(flight.events) or flight.result is not None:
            return None
        if flight.generation is not generation:
            return None
        try:
            if flight.interruption is None:
                event = next(generation)
            else:
                interruption, flight.interruption = flight.interruption, None
                event = generation.throw(interruption)
        except BaseException as exc:
            self._fail(exc)
            if isinstance(exc, Exception) and self._failure is not exc:
                return None  # its starter raises it, and another member leads
            raise
        if isinstance(event, FinalEvent):
            self.publish(event.result)
            return None
        if not isinstance(event, Heartbeat):
            flight.events.append(event)
            # A member counts itself as waiting before its last look at the events, so that none is missed.
            if flight.live_waiters:
                with flight.news:
                    flight.news.notify_all()
        return event

    def _fail(self, error: BaseException) -> None:
        flight = self._flight
        with flight.news:
            flight.generation = None
            flight.count_failure(error)
            if flight.starter is not None:
                flight.starter._failure, flight.starter.leads = error, False
                flight.starter = None
            if flight.error is not None:
                self._flights.forget(self._key, flight)
            flight.notify_all()

    def _wait_for_news(self, generation: Generation[E, T] | None, position: int, until: float, *, live: bool) -> bool:
        """Wait for the next event, or for the result if not `live`; return whether it came within a heartbeat."""
        flight = self._flight
        seconds = min(float(settings.STREAM_HEARTBEAT_SECONDS), max(0.0, until - time.monotonic()))
        condition = flight.news if live else flight.ends
        with condition:
            flight.live_waiters += live
            try:
                return condition.wait_for(
                    lambda: (
                        (live and position < len(flight.events))
                        or flight.result is not None
                        or flight.generation is not generation
                    ),
                    timeout=seconds,
                )
            finally:
                flight.live_waiters -= live
