"""The part of the web worker that handles a connection after the reply: delivers it, then reuses or closes it.

The main loop does this for all connections, so a client that takes its reply slowly costs no thread.
"""

from __future__ import annotations

import socket
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from ragsite.web.worker import connection as worker_connection
from ragsite.web.worker.connection import Connection, Waiting
from ragsite.web.worker.waiting_connections import AddressCount, WaitingConnections

READ_BYTES = 64 * 1024
DRAIN_MAX_BYTES = 64 * 1024


class DeliveringWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker with threads, whose main loop delivers the replies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting = WaitingConnections()
        self._addresses = AddressCount()

    def _read(self, connection: Connection, _: Any = None) -> None:
        """Read what has come of the next request."""
        raise NotImplementedError

    def _take(self, connection: Connection, piece: bytes) -> None:
        """Take bytes of the next request that came with the last one."""
        raise NotImplementedError

    def _deliver(self, connection: Connection, _: Any = None) -> None:
        """Send what is left of the reply, and then wait for the next request, or close."""
        before = len(connection.sock.unsent)
        try:
            is_delivered = connection.sock.flush()
        except OSError:
            self._drop(connection)
            return
        if not is_delivered:
            if before != len(connection.sock.unsent):
                connection.keep_pace(0)  # `flush` has counted the bytes
            self._watch(connection, EVENT_WRITE)
        elif connection.keeps_alive:
            self._next_request(connection)
        else:
            self._linger(connection)

    def _next_request(self, connection: Connection) -> None:
        connection.is_long = False
        connection.sock.begin()
        rest = connection.parser.unreader.take_buffered()
        self._unwatch(connection)
        connection.wait(Waiting.REQUEST, self.cfg.keepalive if self.alive else worker_connection.LINGER_SECONDS)
        if rest:
            self._take(connection, rest)
        else:
            self._watch(connection, EVENT_READ)

    def _linger(self, connection: Connection) -> None:
        """Tell the client that nothing more comes, and close once it has closed: at once, the reply could be lost."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        self._unwatch(connection)
        connection.wait(Waiting.END, worker_connection.LINGER_SECONDS)
        self._drain(connection)

    def _drain(self, connection: Connection, _: Any = None) -> None:
        try:
            while piece := connection.sock.receive_now(READ_BYTES):
                connection.drained_bytes += len(piece)
                if connection.drained_bytes > DRAIN_MAX_BYTES:
                    break
        except BlockingIOError:
            self._watch(connection, EVENT_READ)
            return
        except OSError:
            pass
        self._drop(connection)

    def _watch(self, connection: Connection, event: int) -> None:
        """Wait for something to happen on a connection."""
        if event == EVENT_WRITE:
            callback = self._deliver
        else:
            callback = self._drain if connection.waiting is Waiting.END else self._read
        self._waiting.watch(connection, event, self.poller, partial(callback, connection))

    def _unwatch(self, connection: Connection) -> None:
        self._waiting.forget(connection, self.poller)

    def _drop(self, connection: Connection) -> None:
        """Close a connection, and forget it."""
        self._unwatch(connection)
        connection.waiting = Waiting.NOTHING
        if connection.sock.unsent:
            connection.sock.reset()
        else:
            connection.close()
        self._addresses.remove(connection.client)
        self.nr_conns -= 1
