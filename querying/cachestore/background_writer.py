"""Stores what caches keep and count in the background: at no cost to the questions that cause it.

One thread per process, which begins with the first thing to store. What waits is stored every half second, and when
the process ends. A database that is ill costs the thread one attempt every half second, and the questions nothing.
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
STATEMENT_SECONDS = 2.0  # that a statement may take
LAST_SECONDS = 10.0  # that what is being stored may take when the process ends

Store = Callable[[], None]  # writes what waits; when it fails, it keeps that for the next time
_stores: list[Store] = []


class Background:
    """The thread of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._told_of_illness = False

    def begin(self) -> None:
        """Start the thread if there is none; never waits for the database."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cache-storing", daemon=True)
                self._thread.start()

    def end(self, patience_seconds: float | None = None) -> None:
        """Let the thread end, and wait until it has: from then on nothing is stored in the background."""
        self._ending.set()
        with self._lock:
            if self._thread is not None:
                self._thread.join(patience_seconds)

    def store(self) -> None:
        """Store everything that waits, in the caller's thread. Never raises what the database does."""
        if not disk_space.has_room_for_records():
            if not self._told_of_illness:
                logger.warning("what caches count and keep is not stored: the database's disk is nearly full")
            self._told_of_illness = True
            return
        for store in _stores:
            try:
                store()
                self._told_of_illness = False
            except (DatabaseFault, DatabaseUnavailable) as exc:
                if not self._told_of_illness:
                    logger.warning("what caches count and keep waits for the database: %s", type(exc).__name__)
                self._told_of_illness = True

    def _run(self) -> None:
        while not self._ending.wait(STORE_EVERY_SECONDS):
            try:
                self.store()
            except Exception:  # of ours; the thread goes on
                logger.exception("the background of the caches failed")
            finally:
                connections.close_all()  # nobody else gives back what a thread of ours has taken


class _Current:
    """The background of this process. A forked child has none of its parent's threads, and starts its own."""

    def __init__(self) -> None:
        self.background = Background()

    def forget(self) -> None:
        self.background = Background()


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def store_later(store: Store) -> None:
    """Have `store()` called every half second from the first `begin` on. It costs nothing while nothing waits."""
    _stores.append(store)


def begin() -> None:
    """Let the background store what waits now; called whenever something was added."""
    _current.background.begin()


def store_now() -> None:
    """Store what waits, in the caller's thread."""
    _current.background.store()


def _at_exit() -> None:
    """Store the rest. Only in a process that has begun: another one may have no database at all."""
    if _current.background._thread is not None:
        with suppress(Exception):
            _current.background.end(LAST_SECONDS)  # what it has in hand would end with the process
            store_now()
            connections.close_all()


atexit.register(_at_exit)
