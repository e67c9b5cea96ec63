"""Advisory lock for work on the database that one process at a time may do, on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ragsite.postgres.thread_connection import separate_connection

PREPARATION_LOCK = 7_263_811_547  # of a Postgres advisory lock: any number that is used for nothing else
LOOK_EVERY_SECONDS = 0.3


@contextmanager
def preparation_lock(on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock for migrating and filling a new database, on a separate connection that is closed afterwards.

    `on_wait` is called once when another process holds it. Raises psycopg.OperationalError without Postgres.
    """
    with separate_connection() as connection:
        waits = False
        # Asked again and again, because a statement that waits would meet the limit on waits for locks.
        while not _is_taken(connection):
            if not waits:
                waits = True
                on_wait()
            time.sleep(LOOK_EVERY_SECONDS)
        yield
        connection.execute("SELECT pg_advisory_unlock(%s)", [PREPARATION_LOCK])


def _is_taken(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [PREPARATION_LOCK]).fetchone()
    return row is not None and bool(row[0])
