"""Is it healthy? One function per service; none takes longer than CHECK_TIMEOUT_SECONDS, none changes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from ragsite import ollama

OLDEST_PGVECTOR = (0, 8, 4)  # versions before it can return wrong rows after a vacuum
CHECK_TIMEOUT_MS = 1000


@dataclass(frozen=True)
class Service:
    """The state of one thing that ragsite stands on."""

    healthy: bool
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"healthy": self.healthy, **self.details, "message": self.message}


def health() -> dict[str, Any]:
    """Return the state of everything: `healthy`, or `degraded` while questions are answered with less than all."""
    services = {name: check() for name, check in CHECKS.items()}
    return {
        "status": "healthy" if all(service.healthy for service in services.values()) else "degraded",
        "services": {name: service.as_dict() for name, service in services.items()},
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def readiness() -> tuple[bool, dict[str, Any]]:
    """Return whether this process can answer questions at all (Postgres is enough for that), and why not."""
    postgres = check_postgres(with_migrations=True)
    return postgres.healthy, {"ready": postgres.healthy, "services": {"postgres": postgres.as_dict()}}


def check_postgres(*, with_migrations: bool = False) -> Service:
    """Return whether Postgres answers, pgvector is new enough and (if asked) the schema is complete."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(CHECK_TIMEOUT_MS)])
            cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
            row = cursor.fetchone()
    except DatabaseError as exc:
        return Service(False, f"Postgres can't be used: {type(exc.__cause__ or exc).__name__}.")
    if row is None:
        return Service(False, "The extension vector is missing; run `manage.py migrate`.")
    if tuple(int(part) for part in row[0].split(".")) < OLDEST_PGVECTOR:
        return Service(False, f"pgvector {row[0]} is too old; 0.8.4 or newer is needed.", {"pgvector": row[0]})
    if with_migrations and _pending_migrations():
        return Service(False, "The schema is not complete; run `manage.py migrate`.", {"pgvector": row[0]})
    return Service(True, "Operational", {"pgvector": row[0]})


def check_redis() -> Service:
    """Return whether Redis answers; without REDIS_URL there is nothing to be ill."""
    if not settings.REDIS_URL:
        return Service(True, "Not configured; caches are kept in each process.")
    # The cache ignores errors, so only a value that comes back proves anything.
    cache.set("ragsite:health", 1, timeout=10)
    alive = cache.get("ragsite:health") == 1
    return Service(alive, "Operational" if alive else "Redis does not answer; caches are bypassed.")


def check_ollama() -> Service:
    """Return the state of the model servers and their circuits, without a call that a circuit would count."""
    if not ollama.configured():
        return Service(True, "Not configured; answers are made of quoted sentences.", {"circuit_breaker": {}})
    return _ollama_service(ollama.get_client())


def check_queue() -> Service:
    """Return how many documents wait for an indexer."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(CHECK_TIMEOUT_MS)])
            cursor.execute(
                "SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')"
                " FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            )
            waiting, running = cursor.fetchone()
    except DatabaseError:
        return Service(False, "The queue is in Postgres, which can't be used.")
    return Service(True, "Operational", {"waiting": waiting, "running": running})


def _ollama_service(client: ollama.OllamaClient) -> Service:
    states = client.states()
    alive = any(client.can(operation) for operation in ("embed", "generate"))
    return Service(
        alive,
        "Operational" if alive else "Circuit OPEN - Service unavailable",
        {"circuit_breaker": client.get_circuit_state(), "hosts": [state.as_dict() for state in states]},
    )


def _pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


CHECKS: dict[str, Callable[[], Service]] = {
    "postgres": check_postgres,
    "redis": check_redis,
    "ollama": check_ollama,
    "queue": check_queue,
}
