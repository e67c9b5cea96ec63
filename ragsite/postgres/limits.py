"""Limits how long a statement may take: on the server, and in this process in case the server does not answer.

A frozen server process does not keep its own limit: its timer doesn't run, while its kernel still acknowledges packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import connection, transaction

from ragsite.postgres.thread_connection import preparing_cursor

GRACE_SECONDS = 1.0  # beyond the server's own limit; after that, the server is considered silent
_limit_seconds: ContextVar[float | None] = ContextVar("statement_limit_seconds")


def statement_limit_seconds() -> float | None:
    """Return how long a statement of this process may take; None: any time."""
    milliseconds: int = settings.DATABASE_STATEMENT_TIMEOUT_MS
    return milliseconds / 1000 if milliseconds else None


def patience_seconds() -> float | None:
    """Return how long to wait here for the server's next answer; None: for ever."""
    try:
        limit = _limit_seconds.get()
    except LookupError:
        limit = statement_limit_seconds()
    return None if limit is None else limit + GRACE_SECONDS


def set_local(parameters: Mapping[str, str]) -> None:
    """Set parameters until the transaction ends. Anything longer would leak to the next request of the connection."""
    assert connection.in_atomic_block, "outside of a transaction this does nothing"
    with preparing_cursor() as cursor:
        calls = ", ".join("set_config(%s, %s, true)" for _ in parameters)
        cursor.execute(f"SELECT {calls}", [each for pair in parameters.items() for each in pair])


@contextmanager
def bounded_transaction(seconds: float) -> Iterator[None]:
    """Open a transaction whose statements, its commit included, may take so much time each, on both sides."""
    with waiting_for(seconds), transaction.atomic():
        set_local({"statement_timeout": milliseconds(seconds)})
        yield


def milliseconds(seconds: float) -> str:
    """Return a time as Postgres' settings have it; at least one, because 0 means no limit."""
    return str(max(1, int(seconds * 1000)))


@contextmanager
def statements_may_take_any_time() -> Iterator[None]:
    """Wait for the server as long as it takes; what the server itself allows is the caller's to set."""
    with waiting_for(None):
        yield


@contextmanager
def waiting_for(seconds: float | None) -> Iterator[None]:
    """Wait here for no answer of the server longer than this and GRACE_SECONDS; None: for ever."""
    token = _limit_seconds.set(seconds)
    try:
        yield
    finally:
        _limit_seconds.reset(token)
