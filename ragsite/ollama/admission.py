"""Admission control for one host: limits concurrent calls, queues others by lane, refuses those that would be too late.

A full host has not failed: refusals never count in a circuit breaker. Refusing early is cheaper than a call that is
answered after its deadline.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType

from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import OllamaBusy
from ragsite.ollama.averages import Average
from ragsite.ollama.values import OPERATIONS, Lane, Operation

WAITING_PER_SLOT = 4  # of each lane; beyond it calls are refused
SHRINK_EVERY_SECONDS = 1.0  # calls that time out together are one sign of overload, not many


class Gate:
    """The slots of one host in this process, and the queues before them, one for each lane.

    There are OLLAMA_MAX_CONCURRENCY slots, or fewer while the host is seen to need too long for so many: Ollama queues
    without a bound and does not report it, so that too many calls at once would all end in timeouts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._limit = float("inf")  # concurrent calls that the host served in time
        self._shrunk_at = float("-inf")
        self._queues: tuple[deque[Ticket], ...] = tuple(deque() for _lane in Lane)
        self._slot_time = Average()  # how long a slot is in use, whatever comes of it
        self._call_time: dict[Operation, Average] = {operation: Average() for operation in OPERATIONS}

    @property
    def in_flight(self) -> int:
        """Return the number of calls that are running."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Return the number of calls that wait for a slot."""
        return sum(len(queue) for queue in self._queues)

    @property
    def capacity(self) -> int:
        """Return the number of slots at present."""
        return max(1, int(min(settings.OLLAMA_MAX_CONCURRENCY, self._limit)))

    @property
    def has_free_slot(self) -> bool:
        """Return whether a call would not have to wait."""
        return self._in_flight < self.capacity and not self.waiting

    def has_room(self, lane: Lane = Lane.INTERACTIVE) -> bool:
        """Return whether a call of that lane would be taken, or at least be queued."""
        return len(self._queues[lane]) < self.capacity * WAITING_PER_SLOT

    def shrink(self) -> bool:
        """Halve the slots in use, because the host is too slow with so many; False when there is but one."""
        with self._lock:
            used = min(self.capacity, self._in_flight)
            if used <= 1:
                return False
            if time.monotonic() - self._shrunk_at >= SHRINK_EVERY_SECONDS:
                self._limit, self._shrunk_at = used / 2, time.monotonic()
            return True

    def grow(self) -> None:
        """Add a fraction of a slot after a quick reply with all slots in use: one slot for each round of calls."""
        with self._lock:
            if self._limit < settings.OLLAMA_MAX_CONCURRENCY and self._in_flight >= self.capacity:
                self._limit = max(1.0, self._limit) + 1 / max(1.0, self._limit)

    def note_call_time(self, operation: Operation, seconds: float) -> None:
        """Remember how long a successful call took."""
        self._call_time[operation].add(seconds)

    def join(self, operation: Operation, lane: Lane, deadline: Deadline) -> Ticket:
        """Return a ticket that has a slot already, or waits for one behind its lane and those before it.

        Raises OllamaBusy at once when the slot would come too late to be of use, with the seconds after which it
        is worth another try.
        """
        ticket = Ticket(self, lane)
        with self._lock:
            ahead = sum(len(queue) for queue in self._queues[: lane + 1])
            capacity = self.capacity
            if self._in_flight < capacity and not ahead:
                self._in_flight += 1
                ticket.granted_at = time.monotonic()
                return ticket
            wait_seconds = (ahead + 1) * self._slot_time.or_zero() / capacity
            too_late = wait_seconds + self._call_time[operation].or_zero() > deadline.remaining()
            if not too_late and self.has_room(lane):
                ticket.granted = threading.Event()
                self._queues[lane].append(ticket)
                return ticket
        raise self.busy(wait_seconds)

    def busy(self, wait_seconds: float = 0.0) -> OllamaBusy:
        """Return the error for a call that can't get a slot in time."""
        return OllamaBusy(
            "All places at the model server are taken; try again in a moment.",
            retry_after_seconds=max(1.0, wait_seconds),
        )

    def leave(self, ticket: Ticket) -> None:
        """Release a ticket's slot, or its place in the queue."""
        with self._lock:
            if ticket.granted_at is None:
                self._queues[ticket.lane].remove(ticket)
                return
            self._in_flight -= 1
            self._slot_time.add(time.monotonic() - ticket.granted_at)
            while self._in_flight < self.capacity and self._grant_next():
                pass

    def _grant_next(self) -> bool:
        for queue in self._queues:
            if queue:
                ticket = queue.popleft()
                self._in_flight += 1
                ticket.granted_at = time.monotonic()
                if ticket.granted is not None:
                    ticket.granted.set()
                return True
        return False


class Ticket:
    """A slot, or a place in the queue. Leaving the `with` block releases it."""

    def __init__(self, gate: Gate, lane: Lane) -> None:
        self.lane = lane
        self.granted_at: float | None = None  # written under the gate's lock
        self.granted: threading.Event | None = None  # only of one that had to wait
        self._gate = gate
        self._left = False

    def wait(self, seconds: float) -> bool:
        """Return whether the slot has been granted, waiting for it at most `seconds`."""
        return self.granted is None or self.granted.wait(seconds)

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._left:
            self._left = True
            self._gate.leave(self)
