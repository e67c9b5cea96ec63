"""The database backend: `ENGINE = "ragsite.postgres"`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base, operations
from prometheus_client import Gauge
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from ragsite.errors import Overloaded
from ragsite.metrics import POOL_CONNECTIONS, POOL_REFUSED, POOL_REQUESTS_WAITING
from ragsite.postgres.connections import BoundedConnection, is_alive, reachability
from ragsite.postgres.losing import Unreachable, is_lost
from ragsite.postgres.prepared import PreparingCursor
from ragsite.postgres.waiting import wait_log


def open_pools() -> dict[str, ConnectionPool[Any]]:
    """Return the pools of this process by database alias; one that was not used yet is not there."""
    pools: dict[str, ConnectionPool[Any]] = base.DatabaseWrapper._connection_pools  # type: ignore[attr-defined] # stubs
    return pools


def raise_if_exhausted() -> None:
    """Raise Overloaded when no connection is free right now, for callers that have waited already."""
    pool = open_pools().get(DEFAULT_DB_ALIAS)
    if pool is not None and not pool.get_stats()["pool_available"]:
        raise Overloaded(retry_after_seconds=2)


@cache  # looking them up takes longer than setting them, and every checkout sets them
def _gauges() -> tuple[Gauge, Gauge]:
    return POOL_CONNECTIONS.labels(state="free"), POOL_CONNECTIONS.labels(state="in_use")


class DatabaseOperations(operations.DatabaseOperations):
    """Django's operations, which also return the text of a prepared statement."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return the statement that ran last; a prepared one without its values, which went beside it."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, with connections that work, reads that survive a restart, and metrics of the pool."""

    ops_class = DatabaseOperations

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        pool_options = settings_dict["OPTIONS"].get("pool")
        if isinstance(pool_options, dict):
            # The class is persistent itself; the pool's own pauses between two attempts grow to minutes.
            pool_options |= {"connection_class": BoundedConnection, "reconnect_timeout": 0.0}
        super().__init__(settings_dict, alias)
        self.execute_wrappers.append(read_again)

    def ensure_connection(self) -> None:
        """Connect, also when an earlier statement of this thread lost the connection."""
        if self.connection is not None and self.connection.closed and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that works; those that broke in the pool are thrown away on the way.

        The pool's own check pauses a second after the first broken one, two after the next, and after a restart of
        Postgres all of them are broken.
        """
        if self.pool is None:
            return super().get_new_connection(conn_params)
        while True:
            connection = self._take(conn_params)
            if is_alive(connection):
                self._count()
                return connection
            connection.close()
            self.pool.putconn(connection)

    def _take(self, conn_params: dict[str, Any]) -> Any:
        if not reachability.should_wait():
            raise Unreachable(reachability.reason)
        POOL_REQUESTS_WAITING.inc()
        started, refused = time.monotonic(), False
        try:
            return super().get_new_connection(conn_params)
        except (PoolTimeout, TooManyRequests) as exc:
            if reachability.is_down:
                raise Unreachable(reachability.reason) from exc
            refused = True
            POOL_REFUSED.inc()
            raise
        finally:
            POOL_REQUESTS_WAITING.dec()
            wait_log.note(time.monotonic() - started, refused=refused)

    def preparing_cursor(self) -> Any:
        """Return a cursor like `cursor()`, for statements that are worth keeping: see `ragsite.postgres.prepared`."""
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(PreparingCursor(self.connection))  # type: ignore[attr-defined] # stubs

    def _set_autocommit(self, autocommit: bool) -> None:
        # Django says it at every checkout; a connection of the pool nearly always is as it should be.
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc] # django-stubs doesn't know it

    def _close(self) -> None:
        super()._close()  # type: ignore[misc] # django-stubs doesn't know it
        self._count()

    def _count(self) -> None:
        pool = open_pools().get(self.alias)
        if pool is not None:
            stats = pool.get_stats()
            available = stats["pool_available"]
            free, in_use = _gauges()
            free.set(available)
            in_use.set(stats["pool_size"] - available)


def read_again(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement; when its connection breaks, and it only reads, run it once more on another connection.

    Not in a transaction: what it has read before would not fit, and what it has written is gone.
    """
    try:
        return execute(sql, params, many, context)
    except Exception as exc:
        connection, cursor = context["connection"], context["cursor"]
        if connection.in_atomic_block or not is_lost(exc) or not _only_reads(sql, cursor):
            raise
        connection.close()
        connection.ensure_connection()
        cursor.cursor = connection.create_cursor()
    return execute(sql, params, many, context)


def _only_reads(sql: str, cursor: Any) -> bool:
    """Return whether it is a query of rows as Django writes it; functions that change things are called otherwise."""
    return (
        isinstance(sql, str)
        and sql.startswith("SELECT ")
        and ' FROM "' in sql
        and not isinstance(cursor.cursor, psycopg.ServerCursor)
    )
