"""Writes cache entries, counts and log rows to Postgres in a background thread, so that no question waits for it.

One thread per process, started when there is something to store. Buffers are written every half second, and when the
process ends. If the database fails, the thread tries again every half second.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress

from django.db import Error as DatabaseFault
from django.db import connections

from ragsite.config import disk_space
from ragsite.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)
STORE_EVERY_SECONDS = 0.5
STATEMENT_SECONDS = 2.0  # limit of one statement
LAST_SECONDS = 10.0  # limit for the batch being written when the process ends

Store = Callable[[], None]  # writes a buffer; when it fails, it keeps the buffer for the next time
_stores: list[Store] = []


class Background:
    """The background thread of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._has_warned = False

    def begin(self) -> None:
        """Start the thread if there is none; never waits for the database."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cache-storing", daemon=True)
                self._thread.start()

    def end(self, patience_seconds: float | None = None) -> None:
        """Stop the thread, and wait for its end for at most `patience_seconds`; it never starts again."""
        self._ending.set()
        with self._lock:
            if self._thread is not None:
                self._thread.join(patience_seconds)

    def store(self) -> None:
        """Write all buffers in the caller's thread. Never raises what the database raises."""
        if not disk_space.has_room_for_records():
            if not self._has_warned:
                logger.warning("what caches count and keep is not stored: the database's disk is nearly full")
            self._has_warned = True
            return
        for store in _stores:
            try:
                store()
                self._has_warned = False
            except (DatabaseFault, DatabaseUnavailable) as exc:
                if not self._has_warned:
                    logger.warning("what caches count and keep waits for the database: %s", type(exc).__name__)
                self._has_warned = True

    def _run(self) -> None:
        while not self._ending.wait(STORE_EVERY_SECONDS):
            try:
                self.store()
            except Exception:  # a defect; the thread goes on
                logger.exception("the background of the caches failed")
            finally:
                connections.close_all()  # nothing else closes the connections of this thread


class _Current:
    """The background thread of this process. A forked child has no threads of its parent, and starts its own."""

    def __init__(self) -> None:
        self.background = Background()

    def forget(self) -> None:
        self.background = Background()


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def store_later(store: Store) -> None:
    """Register a function that writes a buffer, to be called every half second from the first `begin` on."""
    _stores.append(store)


def begin() -> None:
    """Start the thread, unless it runs already; to be called whenever something was buffered."""
    _current.background.begin()


def store_now() -> None:
    """Write all buffers in the caller's thread."""
    _current.background.store()


def _at_exit() -> None:
    """Write the rest, if this process has started the thread: another one may have no database at all."""
    if _current.background._thread is not None:
        with suppress(Exception):
            _current.background.end(LAST_SECONDS)  # its current batch would be lost with the process
            store_now()
            connections.close_all()


atexit.register(_at_exit)
