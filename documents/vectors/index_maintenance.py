"""Serialises the work on vector indexes over all processes, and finds indexes that are no longer needed.

Two statements with CONCURRENTLY on one table wait for each other for ever: each waits for every older transaction, and
the other one is such a transaction. So building or dropping an index takes an advisory lock. The lock is polled, never
waited for: a statement that waits is an older transaction, too.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection

from documents.models import INDEX_PREFIX, EmbeddingSpace

logger = logging.getLogger(__name__)
ASK_EVERY_SECONDS = 0.5
_LOCK = 0x7261_6773_696E_6478  # of Postgres' advisory locks
_NAME = re.compile(rf"{INDEX_PREFIX}(\d+)(?:_ccnew\d*|_ccold\d*)?")


@contextmanager
def owning_indexes(*, wait: bool = True, keep_waiting: Callable[[], bool] = lambda: True) -> Iterator[bool]:
    """Hold the lock for work on indexes while the block runs; yield whether it is held.

    Without `wait`, or when `keep_waiting` returns False, the block runs without the lock, and must not touch indexes.
    """
    owned = _take()
    while not owned and wait and keep_waiting():
        time.sleep(ASK_EVERY_SECONDS)
        owned = _take()
    try:
        yield owned
    finally:
        if owned:
            with suppress(Error), connection.cursor() as cursor:  # a connection that broke has lost its locks
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _take() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def stop_building(name: str) -> None:
    """Cancel the building of an index that is no longer needed; its builder then sees that the space is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index"
            " WHERE index_relid = to_regclass(%s) AND datname = current_database()",
            [name],
        )


def unneeded_indexes() -> list[str]:
    """Return the names of vector indexes whose space is gone or retired, and of those that a build left unfinished.

    Call it with the lock only: an index that another process is building is unfinished, too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = to_regclass('documents_embedding') AND starts_with(c.relname, %s)"
            " AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)",
            [INDEX_PREFIX],
        )
        found = {str(name): bool(valid) for name, valid in cursor.fetchall()}
    in_use = set(EmbeddingSpace.objects.exclude(status=EmbeddingSpace.Status.RETIRED).values_list("pk", flat=True))
    spaces = {name: int(match[1]) for name in found if (match := _NAME.fullmatch(name))}
    return sorted(name for name, space in spaces.items() if space not in in_use or not found[name])
