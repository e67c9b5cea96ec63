"""Keeps what circuits and model servers go through until it is stored, at no cost to the requests that cause it."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable

from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from monitoring.models import CAUSE_MAX_CHARS, CircuitEvent
from ragsite.metrics import CIRCUIT_EVENTS_DROPPED
from ragsite.ollama import BreakerChange, HostState
from ragsite.postgres.limits import bounded_transaction

WAITING_MAX = 256
STORE_SECONDS = 2.0  # that a statement may take
State = CircuitEvent.State


class CircuitLog:
    """The events of this process that are not stored yet. Beyond WAITING_MAX the newest are dropped, and counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[CircuitEvent] = deque()
        self._down: set[str] = set()

    def note(self, change: BreakerChange) -> None:
        """Keep a change of a circuit. Never waits, never raises."""
        if change.old_state != change.new_state:  # an order that changed nothing
            self._keep(
                CircuitEvent(
                    at=change.at,
                    host=change.host,
                    operation=change.operation,
                    from_state=change.old_state,
                    to_state=change.new_state,
                    cause=change.reason[:CAUSE_MAX_CHARS],
                    pid=os.getpid(),
                )
            )

    def note_hosts(self, states: Iterable[HostState]) -> None:
        """Keep which model servers went down or came back since the last look."""
        for state in states:
            is_down = state.last_error is not None
            if is_down == (state.host in self._down):
                continue
            was, now = (State.UP, State.DOWN) if is_down else (State.DOWN, State.UP)
            (self._down.add if is_down else self._down.discard)(state.host)
            self._keep(
                CircuitEvent(
                    at=timezone.now(),
                    host=state.host,
                    from_state=was,
                    to_state=now,
                    cause=why_down(state)[:CAUSE_MAX_CHARS] or "it answers again",
                    pid=os.getpid(),
                )
            )

    def store(self) -> None:
        """Write what waits. Raises DatabaseError; when the database is away, everything waits for the next time."""
        with self._lock:
            batch = list(self._waiting)
        if not batch:
            return
        try:
            with bounded_transaction(STORE_SECONDS):
                CircuitEvent.objects.bulk_create(batch)
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError:
            self._forget(len(batch))  # it would be refused for ever
            CIRCUIT_EVENTS_DROPPED.inc(len(batch))
            raise
        self._forget(len(batch))

    def _keep(self, event: CircuitEvent) -> None:
        with self._lock:
            if len(self._waiting) < WAITING_MAX:
                self._waiting.append(event)
                return
        CIRCUIT_EVENTS_DROPPED.inc()

    def _forget(self, count: int) -> None:
        with self._lock:
            for _event in range(count):
                self._waiting.popleft()


def why_down(state: HostState) -> str:
    """Return our own words of what is wrong with a model server, or nothing.

    What follows the first colon may be its words, and those could be anybody's.
    """
    return (state.last_error or "").partition(": ")[0]
