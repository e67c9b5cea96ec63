"""A gunicorn worker with threads that takes its share of the connections, and leaves the rest to the other workers.

All workers wait at one listening socket, and who wakes up first takes what is there: of fifty connections that are
opened at once and kept, forty often lay with one worker, whose processor was full while another's idled. So a worker
that has more connections than another one waits a moment before it takes another. Nobody waits for long: when the
others have done nothing in that moment, it takes who is at the door, so that a worker that hangs holds nobody up.

A listening socket per worker (gunicorn's `reuse_port`) would share them out by chance, and would lose those at the
door of a worker that stops.
"""

from __future__ import annotations

import mmap
import struct
import time
from types import FrameType
from typing import Any

from ragsite.web.worker.buffering_worker import BufferingWorker

PAUSE_SECONDS = 0.001  # the shortest that epoll can wait; another worker wakes up in a tenth of it
EVEN_ENOUGH = 8  # a worker may have this part more than another: with hundreds of connections, waiting costs more
PLACES = 64  # workers of one server at most; one more is served, but not waited for
_ABSENT = -1
_NUMBER = struct.Struct("i")


class Tally:
    """The number of open connections of each worker, in memory that the workers of a server share.

    Made before the first worker is forked. Each worker writes at its own place only, so nothing is locked.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, PLACES * _NUMBER.size)
        for place in range(PLACES):
            self.leave(place)

    def write(self, place: int, connections: int) -> None:
        """Say how many connections the worker at `place` has."""
        _NUMBER.pack_into(self._shared, place * _NUMBER.size, connections)

    def leave(self, place: int) -> None:
        """Say that there is no worker at `place` that takes connections."""
        self.write(place, _ABSENT)

    def others(self, place: int | None) -> list[int]:
        """Return how many connections each worker has that takes some, but the one at `place`."""
        return [
            number
            for other, (number,) in enumerate(_NUMBER.iter_unpack(self._shared))
            if number != _ABSENT and other != place
        ]


tally = Tally()


def give_place(server: Any, worker: Any) -> None:
    """Give `worker`, which is about to be forked, a place of its own in the tally."""
    taken = {getattr(other, "place", None) for other in server.WORKERS.values()}
    worker.place = next((place for place in range(PLACES) if place not in taken), None)


def take_place_back(worker: Any) -> None:
    """Forget the connections of a worker that has ended."""
    if worker.place is not None:
        tally.leave(worker.place)


class EvenThreadWorker(BufferingWorker):
    """A worker with threads, which takes no more than its share of the connections."""

    place: int | None = None
    _connections = 0
    _waited_for: list[int] | None = None  # what the others had when it began to wait

    @property
    def nr_conns(self) -> int:
        """The connections that this worker has open; gunicorn counts them in its main thread."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, connections: int) -> None:
        self._connections = connections
        if self.booted:
            self._tell()

    def _tell(self) -> None:
        if self.place is None:
            return
        if self.alive:
            tally.write(self.place, self._connections)
        else:
            tally.leave(self.place)

    def run(self) -> None:
        """Serve until told to stop."""
        self._tell()
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: what comes now is for the others."""
        super().handle_exit(sig, frame)
        self._tell()

    def accept(self, listener: Any) -> None:
        """Accept a connection, unless another worker has fewer and is about to."""
        others = tally.others(self.place)
        fewest = min(others, default=self.nr_conns)
        if self.nr_conns > fewest + fewest // EVEN_ENOUGH and others != self._waited_for:
            self._waited_for = others
            self._resumes_at = time.monotonic() + PAUSE_SECONDS
            self.set_accept_enabled(False)
            return
        self._waited_for = None
        super().accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for what happens on connections, and no longer than until it is time to listen again."""
        was_listening = self._accepting
        left = self._resumes_at - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, left) if left > 0 else timeout)
        if was_listening and self._accepting:
            self._waited_for = None  # nobody was left at the door
