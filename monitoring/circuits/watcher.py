"""Background thread of each process that calls model servers: stores events and carries out operators' orders.

It starts with the first client of the process: in a web worker after the fork, in other processes with the first call.
While the database fails, the thread tries once every few seconds; requests are not affected.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from django.db import DatabaseError, connections

from monitoring.circuits.event_log import CircuitLog
from monitoring.circuits.operator_orders import Switchboard
from ragsite.ollama import BreakerChange, OllamaClient
from ragsite.postgres.pool_stats import pool_stats

logger = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 2.0
RETRY_SECONDS = 5.0  # after a database error


class CircuitWatch:
    """At most one thread. `watch` may be called by any number of threads, with one client after the other."""

    def __init__(self) -> None:
        self._log = CircuitLog()
        self._switchboard = Switchboard()
        self._client: OllamaClient | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._retry_at = float("-inf")
        self._has_logged_error = self._failed = False
        self._thread: threading.Thread | None = None

    def watch(self, client: OllamaClient) -> None:
        """Subscribe to this client's circuits, and carry out orders about its hosts."""
        with self._lock:
            self._client = client
            client.subscribe(self._note)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="circuit-watch", daemon=True)
                self._thread.start()
        self._wake.set()

    def catch_up(self) -> None:
        """Carry out the newest orders now, in the caller's thread. Raises DatabaseError."""
        self._switchboard.read()
        self._obey()

    def stop(self) -> None:
        """Stop the thread, and wait until it has ended."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _note(self, change: BreakerChange) -> None:
        self._log.note(change)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self._look()
                self._failed = False
            except Exception:  # a bug: the thread goes on, and logs it once
                if not self._failed:
                    logger.exception("the watch over the circuits failed")
                self._failed = True
            self._wake.wait(LOOK_EVERY_SECONDS)

    def _look(self) -> None:
        if self._client is not None:
            self._log.note_hosts(self._client.states())
        # Requests go first: no connection is taken while requests wait for one.
        if time.monotonic() >= self._retry_at and not pool_stats().waiting:
            self._use_database()
        self._obey()

    def _use_database(self) -> None:
        try:
            self._log.store()
            self._switchboard.read()
        except DatabaseError as exc:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not self._has_logged_error:
                logger.warning("changes of circuits wait for the database: %s", type(exc).__name__)
            self._has_logged_error = True
        else:
            self._has_logged_error = False
        finally:
            connections.close_all()  # outside of requests, Django does not give connections back

    def _obey(self) -> None:
        if self._client is not None:
            self._switchboard.obey(self._client)


class _Current:
    """The watcher of this process. A forked child has none of its parent's threads, and starts its own."""

    def __init__(self) -> None:
        self.watch = CircuitWatch()

    def forget(self) -> None:
        self.watch = CircuitWatch()


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def watch_circuits(client: OllamaClient) -> None:
    """Subscribe the watcher of this process to `client`."""
    _current.watch.watch(client)


def catch_up() -> None:
    """Carry out the newest orders in this process now; other processes follow within seconds. Raises DatabaseError."""
    _current.watch.catch_up()
