"""Buffers events of circuits and model servers, and stores them in the background, outside of requests."""

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
    """The events of this process that are not stored yet. Beyond WAITING_MAX, new ones are dropped and counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[CircuitEvent] = deque()
        self._down: set[str] = set()

    def note(self, change: BreakerChange) -> None:
        """Buffer a change of a circuit. Never waits, never raises."""
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
        """Buffer an event for each model server that went down or came back since the last call."""
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
        """Write the buffered events. Raises DatabaseError; while the database is away, they stay for the next call."""
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
            self._forget(len(batch))  # the database would refuse them every time
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
    """Return why a model server is down, or an empty string.

    Text after the first colon may come from the server itself, which is not trusted, so it is cut off.
    """
    return (state.last_error or "").partition(": ")[0]
