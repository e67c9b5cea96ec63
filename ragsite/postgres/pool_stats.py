"""State of this process's database pool."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from ragsite.postgres.base import open_pools


@dataclass(frozen=True)
class PoolStats:
    """Connections of this process' pool, and requests that wait for one."""

    pool_size: int  # at most
    available: int  # connections that a request could have now, those not yet opened included
    in_use: int
    waiting: int
    initialized: bool  # opened by a first query

    def as_dict(self) -> dict[str, Any]:
        """Return the state as a dict for JSON."""
        return asdict(self)


def pool_stats() -> PoolStats:
    """Return the state of this process' pool; a pool that was not used yet is not opened."""
    size = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    pool = open_pools().get(connection.alias)
    if pool is None:
        return PoolStats(pool_size=size, available=size, in_use=0, waiting=0, initialized=False)
    stats = pool.get_stats()
    in_use = stats["pool_size"] - stats["pool_available"]
    return PoolStats(
        pool_size=size,
        available=size - in_use,
        in_use=in_use,
        waiting=stats.get("requests_waiting", 0),
        initialized=True,
    )
