"""Opens the database pool when a web process starts, in a thread, and logs its size."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection, connections

from monitoring.tuning.connection_budget import connection_budget
from ragsite.postgres.pool_stats import pool_stats

logger = logging.getLogger(__name__)


def report_pool() -> None:
    """Open the pool and log its numbers, or that there is no database yet. The connection goes back to the pool."""
    try:
        budget = connection_budget()
        connection.close()
        stats = pool_stats()
        logger.info("database pool: %d connections ready, %d in use", stats.available, stats.in_use)
        if not budget.is_met:
            logger.warning("%s: requests may wait or fail", budget.words())
    except DatabaseError as exc:
        logger.warning("database pool: no connection yet (%s); it is opened when there is one", type(exc).__name__)
    finally:
        connections.close_all()


def report_pool_soon() -> threading.Thread:
    """Report in a thread, so that a process starts without its database too; return the thread."""
    thread = threading.Thread(target=report_pool, name="pool-report", daemon=True)
    thread.start()
    return thread
