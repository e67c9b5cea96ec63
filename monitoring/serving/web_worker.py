"""A gunicorn worker with threads that accepts no more than its share of the connections.

All workers wait at one listening socket, and the first to wake up takes what is there: of fifty connections that are
opened at once and kept alive, forty often lie with one worker. Threads and open streams are limited per worker, so that
worker refuses streams which another one has room for. Here, a worker that has more connections than another one pauses
before it accepts another. No client waits for long: when the other workers have accepted nothing during the pause, it
accepts the connection, so a worker that hangs holds up nobody.

Figures and alternatives: docs/decisions/connection-sharing.md.
"""

from __future__ import annotations

import mmap
import struct
import time
from types import FrameType
from typing import Any

from ragsite.web.worker.buffering_worker import BufferingWorker

PAUSE_SECONDS = 0.001  # the shortest that epoll can wait; another worker wakes up in a tenth of it
TOLERANCE = 8  # a worker may have an eighth more than another: with hundreds of connections, pausing costs more
SLOTS = 64  # one per worker; further workers serve, but are not counted
_ABSENT = -1
_NUMBER = struct.Struct("i")


class Tally:
    """The number of open connections of each worker, in memory that the workers of a server share.

    Made before the first worker is forked. Each worker writes to its own slot only, so there is no lock.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, SLOTS * _NUMBER.size)
        for slot in range(SLOTS):
            self.clear(slot)

    def write(self, slot: int, connections: int) -> None:
        """Store how many connections the worker with this slot has."""
        _NUMBER.pack_into(self._shared, slot * _NUMBER.size, connections)

    def clear(self, slot: int) -> None:
        """Store that no worker with this slot accepts connections."""
        self.write(slot, _ABSENT)

    def others(self, slot: int | None) -> list[int]:
        """Return the number of connections of each accepting worker, except the one with this slot."""
        return [
            number
            for other, (number,) in enumerate(_NUMBER.iter_unpack(self._shared))
            if number != _ABSENT and other != slot
        ]


tally = Tally()


def assign_slot(server: Any, worker: Any) -> None:
    """Give `worker`, which is about to be forked, a free slot of the tally; None when there is none."""
    taken = {getattr(other, "slot", None) for other in server.WORKERS.values()}
    worker.slot = next((slot for slot in range(SLOTS) if slot not in taken), None)


def release_slot(worker: Any) -> None:
    """Forget the connections of a worker that has ended."""
    if worker.slot is not None:
        tally.clear(worker.slot)


class EvenThreadWorker(BufferingWorker):
    """A worker with threads that accepts no more than its share of the connections."""

    slot: int | None = None
    _connections = 0
    _others_at_pause: list[int] | None = None  # the other workers' connections when this one paused; None: no pause

    @property
    def nr_conns(self) -> int:
        """The connections that this worker has open; gunicorn counts them in its main thread."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, connections: int) -> None:
        self._connections = connections
        if self.booted:
            self._publish()

    def _publish(self) -> None:
        if self.slot is None:
            return
        if self.alive:
            tally.write(self.slot, self._connections)
        else:
            tally.clear(self.slot)

    def run(self) -> None:
        """Serve until told to stop. From the start, the other workers pause for this one."""
        self._publish()
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: new connections are for the other workers, which no longer pause for this one."""
        super().handle_exit(sig, frame)
        self._publish()

    def accept(self, listener: Any) -> None:
        """Accept a connection, or pause when another worker has fewer; once per connection."""
        others = tally.others(self.slot)
        fewest = min(others, default=self.nr_conns)
        if self.nr_conns > fewest + fewest // TOLERANCE and others != self._others_at_pause:
            self._others_at_pause = others
            self._resumes_at = time.monotonic() + PAUSE_SECONDS
            self.set_accept_enabled(False)
            return
        self._others_at_pause = None
        super().accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events on connections, at most until the pause is over."""
        was_listening = self.is_listening
        left = self._resumes_at - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, left) if left > 0 else timeout)
        if was_listening and self.is_listening:
            self._others_at_pause = None  # another worker accepted the connection that this one paused for
