"""Counts the database connections that all processes may open, and compares them with Postgres' limit."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from documents.worker import CONNECTIONS_MAX as QUEUE_CONNECTIONS
from ragsite.postgres.limits import bounded_transaction

LOOK_SECONDS = 2.0
SPARE_CONNECTIONS = 5  # for commands, backups, and an operator's diagnosis


@dataclass(frozen=True)
class ConnectionBudget:
    """Connections that may be open at the same time, and the limit of Postgres."""

    web_processes: int
    ingestion_workers: int
    pool_size: int  # of each process, at most; the threads that search several corpora at once are within it
    allowed: int  # max_connections without those that Postgres keeps for superusers

    @property
    def needed(self) -> int:
        """Return how many connections there are when every pool is full; a worker waits for jobs on its own."""
        ingestion = self.ingestion_workers * (self.pool_size + QUEUE_CONNECTIONS)
        return self.web_processes * self.pool_size + ingestion + SPARE_CONNECTIONS

    @property
    def is_met(self) -> bool:
        """Return whether every pool can be full at once."""
        return self.needed <= self.allowed

    @property
    def largest_pool_size(self) -> int:
        """Return the pool size with which it would be met; below 1: there is none."""
        rest = self.allowed - SPARE_CONNECTIONS - self.ingestion_workers * QUEUE_CONNECTIONS
        return rest // max(1, self.web_processes + self.ingestion_workers)

    def words(self) -> str:
        """Return the arithmetic in a sentence, with the sum and what is allowed."""
        return (
            f"{self.web_processes} web processes x {self.pool_size} database connections + {self.ingestion_workers} "
            f"ingestion workers x ({self.pool_size} + {QUEUE_CONNECTIONS}) + {SPARE_CONNECTIONS} for commands = "
            f"{self.needed}, but Postgres allows {self.allowed}"
        )

    def advice(self) -> str:
        """Return a sentence that says which settings to change."""
        if self.largest_pool_size < 1:
            return (
                "Lower WEB_WORKERS or INGEST_WORKERS, or raise max_connections of Postgres (`manage.py tune_postgres`)."
            )
        return (
            f"Set DATABASE_POOL_SIZE (and DATABASE_MAX_OVERFLOW) to {self.largest_pool_size} or less together, lower "
            "WEB_WORKERS, or raise max_connections of Postgres (`manage.py tune_postgres`)."
        )


def pool_size() -> int:
    """Return how many connections a process has at most."""
    return int(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"])


def connection_budget(*, web_processes: int | None = None, ingestion_workers: int | None = None) -> ConnectionBudget:
    """Return the budget, of what the settings say where nothing else is. Raises DatabaseError without Postgres."""
    with bounded_transaction(LOOK_SECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - coalesce(current_setting('reserved_connections', true)::int, 0)"
        )
        allowed = int(cursor.fetchone()[0])
    return ConnectionBudget(
        web_processes=settings.WEB_WORKERS if web_processes is None else web_processes,
        ingestion_workers=settings.INGEST_WORKERS if ingestion_workers is None else ingestion_workers,
        pool_size=pool_size(),
        allowed=allowed,
    )
