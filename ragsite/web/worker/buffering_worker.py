"""gunicorn worker whose threads wait for no client: its main loop collects requests and delivers replies.

gunicorn's own threaded worker gives a thread to a connection before its request is there, and lets it wait: as many
half-sent requests as there are threads stop it. Here a thread gets a request once all of it has come, so slow clients
cost memory and a place in the main loop, and only for as long as they keep a pace. When there are too many connections,
the one that has been waited for longest goes, whose client does the least with it.

Long bodies, uploads mostly, are read by threads, but never by more than a quarter of them. Requests for /health have
threads of their own.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from concurrent import futures
from contextlib import suppress
from selectors import EVENT_READ
from types import FrameType
from typing import Any

from ragsite.web.worker import connection as worker_connection
from ragsite.web.worker.connection import Connection, Refusal, Waiting
from ragsite.web.worker.delivering_worker import READ_BYTES, DeliveringWorker
from ragsite.web.worker.paced_socket import PacedSocket
from ragsite.web.worker.request_framing import State

HEALTH_THREADS = 2
LONG_SHARE = 4  # one thread of so many may read a long body
HELD_MAX_BYTES = 64 * 1024 * 1024  # of unfinished requests in memory; beyond it bodies are read by threads
SWEEP_SECONDS = 0.5  # between two searches for clients that are too slow
FULL_SECONDS = 0.05  # not to listen, when the system has no room for another connection

connections_per_address = 0  # of a worker; 0: any number. Set by gunicorn_conf.


class BufferingWorker(DeliveringWorker):
    """gunicorn's worker with threads, for complete requests only."""

    is_listening = False
    _resumes_at = 0.0  # when it may listen again; a point of the monotonic clock

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queued: deque[Connection] = deque()  # with long bodies, until a thread is free for them
        self._reading_long = 0
        self._long_lanes = max(1, self.cfg.threads // LONG_SHARE)
        self._next_sweep = 0.0
        self._health_threads = futures.ThreadPoolExecutor(HEALTH_THREADS, "health")

    # What gunicorn calls

    def accept(self, listener: Any) -> None:
        """Accept a connection, and read what has come of its first request."""
        if self.cfg.is_ssl:  # a handshake takes a thread: TLS is a proxy's work, which has deadlines for it
            super().accept(listener)
            return
        try:
            accepted, client = listener.accept()
        except OSError as error:
            self._cannot_accept(error)
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, PacedSocket(accepted), client, listener.getsockname())
        if self._addresses.add(client) > connections_per_address > 0:
            self._refuse(connection, worker_connection.TOO_MANY)
            return
        if self.nr_conns >= self.worker_connections:
            self._close_longest_waiting()
        self.begin(connection)

    def begin(self, connection: Connection) -> None:
        """Read the first request of a connection."""
        connection.wait(Waiting.REQUEST, worker_connection.HEAD_SECONDS)
        self._read(connection)

    def finish_request(self, conn: Any, fs: futures.Future[Any]) -> None:
        """Go on with a connection whose request a thread has answered. Called in the main thread."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        if conn.is_long:
            self._read_next_long()
        if conn.sock.was_slow:
            _count("slow_reader" if conn.sock.unsent else "slow_body")
        conn.keeps_alive = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if conn.sock.fileno() < 0 or conn.sock.was_slow:
            self._drop(conn)
            return
        conn.wait(Waiting.READER, conn.sock.writing.left_seconds)
        self._deliver(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listen for new connections or stop listening; a pause is not cut short."""
        self.is_listening = enabled and time.monotonic() >= self._resumes_at
        super().set_accept_enabled(self.is_listening)

    def murder_keepalived(self, force: bool = False) -> None:
        """End the connections that have been waited for long enough, or all."""
        now = time.monotonic()
        if now < self._next_sweep and not force:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for connection in [each for each in self._waiting.all() if force or each.deadline <= now]:
            self._give_up(connection, politely=not force)

    def murder_pending(self) -> None:
        """Do nothing: `murder_keepalived` handles all waiting connections."""

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop without waiting for requests."""
        self._health_threads.shutdown(wait=False)
        super().handle_quit(sig, frame)

    def _cap_keepalive(self, deadline: float) -> None:
        """Limit the wait for the next request of each connection: the worker is to stop."""
        for connection in self._waiting.all():
            if connection.waiting is not Waiting.READER:
                connection.deadline = min(connection.deadline, deadline)

    def run(self) -> None:
        """Serve until told to stop."""
        super().run()
        self._health_threads.shutdown(wait=False)

    # Reading requests

    def _read(self, connection: Connection, _: Any = None) -> None:
        """Read what has come, and hand the request over once it is complete."""
        try:
            piece = connection.sock.receive_now(READ_BYTES)
        except BlockingIOError:
            self._watch(connection, EVENT_READ)
            return
        except OSError:
            piece = b""
        if piece:
            self._take(connection, piece)
        else:
            self._drop(connection)  # the client has left

    def _take(self, connection: Connection, piece: bytes) -> None:
        was = connection.framing.state
        state = connection.framing.add(piece)
        if state is State.BODY and self._waiting.held_bytes > HELD_MAX_BYTES:
            state = State.LONG
        if state is State.COMPLETE:
            self._hand_over(connection)
        elif state is State.LONG:
            self._queue(connection)
        elif state is State.HEAD_TOO_LONG:
            self._refuse(connection, worker_connection.HEAD_TOO_LONG)
        else:
            self._wait_for_the_rest(connection, was, len(piece))

    def _wait_for_the_rest(self, connection: Connection, was: State, length: int) -> None:
        state = connection.framing.state
        if state is State.BODY:
            if was is not State.BODY:
                connection.wait(Waiting.BODY, connection.sock.reading.left_seconds)
            connection.keep_pace(length)
        elif state is State.HEAD and was is State.EMPTY:
            connection.wait(Waiting.HEAD, worker_connection.HEAD_SECONDS)
        self._watch(connection, EVENT_READ)

    def _hand_over(self, connection: Connection) -> None:
        """Give the request to a thread."""
        self._unwatch(connection)
        connection.waiting = Waiting.NOTHING
        pool = self._health_threads if connection.is_for_health else self.tpool
        future = pool.submit(self.handle, connection)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))

    def _queue(self, connection: Connection) -> None:
        """Let a thread read a long body, as soon as not too many do."""
        if self._reading_long < self._long_lanes:
            self._reading_long += 1
            connection.is_long = True
            self._hand_over(connection)
            return
        self._unwatch(connection)
        connection.wait(Waiting.THREAD, worker_connection.QUEUE_SECONDS)
        self._queued.append(connection)
        self._waiting.keep(connection)

    def _read_next_long(self) -> None:
        self._reading_long -= 1
        while self._queued:
            connection = self._queued.popleft()
            if connection.waiting is Waiting.THREAD:  # else it was given up meanwhile
                self._queue(connection)
                return

    # Clients that are too slow, or too many

    def _give_up(self, connection: Connection, *, politely: bool) -> None:
        """End a connection that has been waited for long enough."""
        refusals = {
            Waiting.HEAD: worker_connection.SLOW_HEADERS,
            Waiting.BODY: worker_connection.SLOW_BODY,
            Waiting.THREAD: worker_connection.UPLOADS_FULL,
        }
        if politely and connection.waiting in refusals:
            self._refuse(connection, refusals[connection.waiting])
            return
        if connection.waiting is Waiting.READER:
            _count("slow_reader")
        self._drop(connection)

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        """Give the reply that the main loop gives by itself, and close."""
        _count(refusal.reason)
        self._unwatch(connection)
        with suppress(OSError):  # there is room for it, or the client is gone
            connection.sock.send(refusal.as_bytes())
        self._linger(connection)

    def _cannot_accept(self, error: OSError) -> None:
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
            self._close_longest_waiting()
            self._resumes_at = time.monotonic() + FULL_SECONDS
            self.set_accept_enabled(False)
        elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
            raise error

    def _close_longest_waiting(self) -> None:
        connection = self._waiting.longest()
        if connection is not None:
            _count("too_many_in_all")
            self._drop(connection)


def _count(reason: str) -> None:
    from ragsite.metrics import CONNECTIONS_ENDED  # not in the parent, whose metrics nobody collects

    CONNECTIONS_ENDED.labels(reason=reason).inc()
