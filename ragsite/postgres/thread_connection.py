"""This thread's database connection: cursors for frequent statements, and giving the connection back."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper


def preparing_cursor() -> CursorWrapper:
    """Return a cursor for statements that come with every question; see `ragsite.postgres.prepared` for which."""
    return cast(CursorWrapper, connection.preparing_cursor())  # type: ignore[attr-defined] # of ragsite's backend


def connection_parameters() -> dict[str, Any]:
    """Return what psycopg connects with, as the settings have it."""
    parameters: dict[str, Any] = connection.get_connection_params()
    return {name: value for name, value in parameters.items() if name not in {"cursor_factory", "context"}}


def separate_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """Return a new connection beside the pool, for work at the start. Raises psycopg.Error when there is none."""
    return psycopg.connect(**connection_parameters(), autocommit=True)


def release_connection() -> None:
    """Give this thread's connection back to the pool; the next query takes one again.

    Called before whatever takes long: a model call, a stream. Otherwise a few open streams hold every connection of
    the process, and all other requests fail.

    Raises AssertionError inside a transaction: everything written in it would be lost silently. The transaction that a
    test case wraps around its test does not count, and stays open.
    """
    current = connections[DEFAULT_DB_ALIAS]  # once: each look through Django's proxy takes as long as all the rest
    blocks = [block for block in current.atomic_blocks if not getattr(block, "_from_testcase", False)]
    assert not blocks, "the connection can't be given back inside a transaction"
    if current.connection is not None and not current.in_atomic_block:
        current.close()
