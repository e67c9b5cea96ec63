"""Health of each service: one function per service, each with a short time limit and without side effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg_pool import PoolTimeout, TooManyRequests

from monitoring.circuits.model_servers import model_servers
from ragsite.postgres.limits import bounded_transaction
from ragsite.postgres.losing import Silent, Unreachable
from ragsite.redis import guard as redis_guard
from ragsite.web.static_files import static_files_problem

OLDEST_PGVECTOR = (0, 8, 4)  # versions before it can return wrong rows after a vacuum
CHECK_SECONDS = 1.0
_schema_is_complete = False


@dataclass(frozen=True)
class Service:
    """State of one service that ragsite depends on."""

    healthy: bool
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the state as a dict for JSON."""
        return {"healthy": self.healthy, **self.details, "message": self.message}


def health() -> dict[str, Any]:
    """Return the state of all services: `healthy`, or `degraded` when at least one of them is not."""
    services = {name: check() for name, check in CHECKS.items()}
    if settings.RAG_DISABLE:
        services["questions"] = Service(False, "Switched off by RAG_DISABLE; every question gets 503.")
    return {
        "status": "healthy" if all(service.healthy for service in services.values()) else "degraded",
        "services": {name: service.as_dict() for name, service in services.items()},
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def check_postgres(*, with_migrations: bool = False) -> Service:
    """Return whether Postgres answers, pgvector is new enough and (if asked) the schema is complete."""
    try:
        with bounded_transaction(CHECK_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
            row = cursor.fetchone()
        is_complete = not with_migrations or schema_is_complete()
    except DatabaseError as exc:
        return Service(False, f"Postgres can't be used: {_why(exc)}.")
    if row is None:
        return Service(False, "The extension vector is missing; run `manage.py prepare`.")
    if tuple(int(part) for part in row[0].split(".")) < OLDEST_PGVECTOR:
        return Service(False, f"pgvector {row[0]} is too old; 0.8.4 or newer is needed.", {"pgvector": row[0]})
    if not is_complete:
        return Service(False, "The schema is not complete; run `manage.py prepare`.", {"pgvector": row[0]})
    return Service(True, "Operational", {"pgvector": row[0]})


def check_redis() -> Service:
    """Return whether Redis answers; healthy without REDIS_URL."""
    if not settings.REDIS_URL:
        return Service(True, "Not configured; caches are kept in each process.")
    try:
        redis_guard.client_of(settings.REDIS_URL).ping()
    except redis.RedisError:
        return Service(False, "Redis does not answer; ragsite does without it.")
    return Service(True, "Operational")


def check_ollama() -> Service:
    """Return the state of the model servers and their circuits, without a call that a circuit would count."""
    found = model_servers()
    details = {"circuit_breaker": found.circuit_breaker, "hosts": list(found.hosts)}
    return Service(found.healthy, found.message, details)


def check_queue() -> Service:
    """Return how many documents wait for an indexer."""
    try:
        with bounded_transaction(CHECK_SECONDS), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')"
                " FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            )
            waiting, running = cursor.fetchone()
    except DatabaseError:
        return Service(False, "The queue is in Postgres, which can't be used.")
    return Service(True, "Operational", {"waiting": waiting, "running": running})


def check_static_files() -> Service:
    """Return whether the pages of this process have their style sheets and scripts."""
    problem = static_files_problem()
    return Service(problem is None, problem or "Operational")


def schema_is_complete() -> bool:
    """Return whether the schema has all migrations of this program. Once complete, it stays so for this process.

    Raises DatabaseError.
    """
    global _schema_is_complete
    if not _schema_is_complete:
        executor = MigrationExecutor(connection)
        _schema_is_complete = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _schema_is_complete


def has_administrator() -> bool:
    """Return whether anybody can manage users and documents in the admin. Raises DatabaseError."""
    with bounded_transaction(CHECK_SECONDS):
        return User.objects.filter(is_superuser=True, is_active=True).exists()


def _why(error: DatabaseError) -> str:
    """Return why, without the addresses and names that a driver's message has."""
    if isinstance(error.__cause__, PoolTimeout | TooManyRequests):
        return "all connections are in use"
    if isinstance(error.__cause__, Silent):
        return "it does not answer"
    if isinstance(error.__cause__, Unreachable):
        return str(error.__cause__)
    return type(error.__cause__ or error).__name__


CHECKS: dict[str, Callable[[], Service]] = {
    "postgres": check_postgres,
    "redis": check_redis,
    "ollama": check_ollama,
    "queue": check_queue,
}
