"""How many database connections all processes of ragsite may open, and whether Postgres has that many."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from documents.working import CONNECTIONS_MAX as QUEUE_CONNECTIONS
from ragsite.postgres.limits import bounded_transaction

LOOK_SECONDS = 2.0
SPARE_CONNECTIONS = 5  # for commands, backups, and an operator who looks what is wrong


@dataclass(frozen=True)
class ConnectionBudget:
    """What may be needed at the same time, and what there is."""

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

    def words(self) -> str:
        """Return it in a sentence."""
        return (
            f"{self.web_processes} web processes and {self.ingestion_workers} ingestion workers may need "
            f"{self.needed} database connections; Postgres allows {self.allowed}"
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
