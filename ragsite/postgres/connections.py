"""Connections with bounded waits for a silent server, which reconnect as soon as there is a server again."""

from __future__ import annotations

import logging
import select
import threading
import time
from typing import Any, Self, TypeVar

import psycopg
from django.conf import settings
from psycopg.abc import PQGen
from psycopg_pool import ConnectionPool

from ragsite.postgres.limits import patience_seconds
from ragsite.postgres.losing import Silent

logger = logging.getLogger(__name__)
RETRY_EVERY_SECONDS = 0.1
Result = TypeVar("Result")


class Reachability:
    """Whether the last attempts of this process to connect succeeded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._down_since: float | None = None
        self._next_trial_at = 0.0
        self.reason = ""

    @property
    def is_down(self) -> bool:
        """Return whether the last attempt to connect failed."""
        return self._down_since is not None

    def note_success(self) -> None:
        """Note that a connection was made."""
        if self._down_since is None:
            return
        with self._lock:
            came_back, self._down_since = self._down_since is not None, None
        if came_back:
            logger.warning("Postgres can be reached again")

    def note_failure(self, error: psycopg.OperationalError) -> None:
        """Note that none could be made."""
        with self._lock:
            self.reason = reason_of(error)
            went, self._down_since = self._down_since is None, self._down_since or time.monotonic()
        if went:
            logger.warning("Postgres can't be reached: %s", self.reason)

    def should_wait(self) -> bool:
        """Return whether a caller should wait for a connection.

        When the server has been down for longer than callers wait, one caller waits every few seconds, which makes the
        pool try again; further callers would only occupy threads.
        """
        with self._lock:
            now = time.monotonic()
            patience = settings.DATABASE_POOL_TIMEOUT_SECONDS
            if self._down_since is None or now - self._down_since < patience:
                return True
            if now < self._next_trial_at:
                return False
            self._next_trial_at = now + patience / 4
            return True


reachability = Reachability()


class BoundedConnection(psycopg.Connection[Any]):
    """Bounds every wait: for a reply of the server, and between two attempts to connect.

    Outside of `PreparingCursor` its `prepare_threshold` is None, whatever it was made with: with any other, psycopg
    counts how often each statement came, for which it keeps the last hundred of them, values and all. Where vectors are
    among the values, those are megabytes on every connection.
    """

    prepares = False  # whether a PreparingCursor may have statements prepared

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """Return a connection; while the server restarts, try again for as long as requests wait for the pool.

        The pool's own pauses between attempts grow to minutes, in which a server that came back is not noticed.
        """
        give_up_at = time.monotonic() + settings.DATABASE_POOL_TIMEOUT_SECONDS
        while True:
            try:
                made = super().connect(*args, **kwargs)
            except psycopg.OperationalError as error:
                reachability.note_failure(error)
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(RETRY_EVERY_SECONDS)
            else:
                reachability.note_success()
                made.prepares, made.prepare_threshold = made.prepare_threshold is not None, None
                return made

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Return what the exchange with the server returns. Raises Silent when the server says nothing in time.

        Everything that blocks on an open connection comes through here: statements, commits, the pool's checks.
        """
        patience = patience_seconds()
        if timeout is not None and (patience is None or timeout < patience):
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, patience)
        except psycopg.errors._WaitTimeout:
            # Not to be used again: an answer that comes after all would be taken for the next statement's.
            self.pgconn.finish()
            raise Silent(f"Postgres did not answer within {patience} s") from None


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Return whether an idle connection can be used. Costs no round trip, unless something is odd.

    There is nothing to read on an idle connection, except its end or a notice; which of them, a round trip tells.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


WRONG_LOGIN, NO_DATABASE = "user or password are wrong", "there is no such database or user"
NOT_ALLOWED, WRONG_OPTION = "its pg_hba.conf does not let us in", "an option of the address is wrong"
FINAL_REASONS = frozenset({WRONG_LOGIN, NO_DATABASE, NOT_ALLOWED, WRONG_OPTION})  # waiting does not end them
# In this order: words that libpq and the server use, and what they mean.
REASONS = {
    "refused": "connection refused",
    "No such file": "connection refused",
    "starting up": "it is starting",
    "shutting down": "it is shutting down",
    "recovery": "it is recovering",
    "pg_hba.conf": NOT_ALLOWED,
    "authentication": WRONG_LOGIN,
    "no password": WRONG_LOGIN,
    "does not exist": NO_DATABASE,
    "too many": "it has no connection left",
    "translate host name": "its host name is unknown",
    "resolve": "its host name is unknown",
    "invalid": WRONG_OPTION,
    "timeout": "no answer",
}


def reason_of(error: psycopg.Error) -> str:
    """Return why there was no connection, without the addresses and names in the server's words."""
    text = str(error)
    return next((reason for words, reason in REASONS.items() if words in text), "no connection")
