"""Options of a process's Postgres connections, from the few numbers that an operator chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pooled(
    database: Mapping[str, Any], *, max_size: int, wait_seconds: float, statement_timeout_ms: int, prepares: bool
) -> dict[str, Any]:
    """Return Django's description of a database, with a pool of connections that notice a dead server.

    `prepares`: whether hot statements are prepared, which needs one server session per connection (PgBouncer gives
    that in its session mode, or from 1.21 on).
    `statement_timeout_ms` 0: statements may take any time, and so may a transaction between two of them.
    """
    limits = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout=5000"
    if statement_timeout_ms:
        limits += " -c idle_in_transaction_session_timeout=30000"
    return {
        **database,
        "ENGINE": "ragsite.postgres",
        "CONN_MAX_AGE": 0,  # a pool refuses anything else
        "CONN_HEALTH_CHECKS": False,  # ragsite.postgres checks without the pool's pauses
        "ATOMIC_REQUESTS": False,  # no transaction may stay open while a model works
        "OPTIONS": {
            **database.get("OPTIONS", {}),
            "pool": {
                "min_size": 1,
                "max_size": max_size,
                "timeout": wait_seconds,
                "max_waiting": 200,
                "max_lifetime": 1800,
            },
            # Says only whether cursors that ask for it may prepare: ragsite.postgres counts the uses, not psycopg.
            "prepare_threshold": 0 if prepares else None,
            "connect_timeout": 3,
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 5000,
            "options": limits,
        },
    }
