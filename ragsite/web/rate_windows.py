"""Counts requests in Postgres, for all processes of all machines that use the database.

One statement counts all requests that wait at that moment; threads that come while it runs wait for the next one. So a
busy process runs one such statement at a time, whatever the number of its threads.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import Error as DatabaseFault
from psycopg_pool import PoolTimeout, TooManyRequests

from ragsite.errors import DatabaseUnavailable
from ragsite.postgres.thread_connection import preparing_cursor, release_connection
from ragsite.web.rates import Quota, Rate

PATIENCE_SECONDS = 10.0  # for another thread's statement, which has time-outs of its own; then the caller counts here
MOST_KNOWN = 10_000  # identities whose window is used up
# The table is not logged: counts may be lost in a crash of the server, and cost no write to its journal. `granted` is
# how much of the last request there was room for; RETURNING can't show the row as it was before. Ordered by key, so
# that two processes lock rows in the same order.
TAKE = """
INSERT INTO monitoring_ratewindow AS known (key, quota, used, granted, ends_at)
SELECT key, quota, least(cost, quota), least(cost, quota), statement_timestamp() + make_interval(secs => seconds)
FROM unnest(%s::text[], %s::int[], %s::int[], %s::float8[]) AS asked (key, cost, quota, seconds)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    quota = excluded.quota,
    granted = CASE WHEN known.ends_at <= statement_timestamp() THEN excluded.granted
                   ELSE least(excluded.granted, greatest(0, excluded.quota - known.used)) END,
    used = CASE WHEN known.ends_at <= statement_timestamp() THEN excluded.used
                ELSE known.used + least(excluded.granted, greatest(0, excluded.quota - known.used)) END,
    ends_at = CASE WHEN known.ends_at <= statement_timestamp() THEN excluded.ends_at ELSE known.ends_at END
RETURNING key, granted, used, extract(epoch FROM ends_at - statement_timestamp())::float8
"""
GIVE_BACK = "UPDATE monitoring_ratewindow SET used = greatest(0, used - %s) WHERE key = %s"
FORGET = "DELETE FROM monitoring_ratewindow WHERE ends_at < now()"


@dataclass
class _Asked:
    """One request to be counted, and its result."""

    key: str
    cost: int
    rate: Rate
    over: threading.Event = field(default_factory=threading.Event)
    leads: bool = False  # woken up to make the next statement
    quota: Quota | None = None
    error: Exception | None = None


class SharedWindows:
    """The windows of this process's requests, in the table that all processes share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Asked] = []
        self._is_busy = False
        self._used_up: dict[str, float] = {}  # key -> end of its window on the monotonic clock

    def take(self, who: str, cost: int, rate: Rate) -> Quota | None:
        """Count a request unless it is above the limit, and return how much is left; None when Postgres doesn't say.

        Raises DatabaseError when this process's connections are all in use: then Postgres is well, and only busy.
        """
        mine = _Asked(_key_of(who), cost, rate)
        with self._lock:
            left_seconds = self._used_up.get(mine.key, 0.0) - time.monotonic()
            if left_seconds > 0:  # nothing is added to a window before it ends
                return Quota(wait_seconds=left_seconds, remaining=0, resets_seconds=left_seconds)
            self._waiting.append(mine)
            mine.leads, self._is_busy = not self._is_busy, True
        if not mine.leads and not mine.over.wait(PATIENCE_SECONDS):
            with self._lock:
                if mine in self._waiting and not mine.leads:
                    self._waiting.remove(mine)
                    return None
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.quota

    def _lead(self) -> None:
        """Count all waiting requests, then make one of the threads that came meanwhile the next leader."""
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._count(batch)
        finally:
            with self._lock:
                self._is_busy = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].over.set()
            for asked in batch:
                asked.over.set()

    def _count(self, batch: Sequence[_Asked]) -> None:
        groups: dict[str, list[_Asked]] = {}
        for asked in batch:
            groups.setdefault(asked.key, []).append(asked)
        leaders = [group[0] for group in groups.values()]
        costs = [min(sum(asked.cost for asked in group), group[0].rate.limit) for group in groups.values()]
        try:
            with preparing_cursor() as cursor:
                limits, seconds = [one.rate.limit for one in leaders], [one.rate.window_seconds for one in leaders]
                cursor.execute(TAKE, [list(groups), costs, limits, seconds])
                for key, granted, used, left_seconds in cursor.fetchall():
                    unused = _share_out(groups[key], granted, used, max(0.001, left_seconds))
                    if unused:  # a batch of questions for which there was not room enough
                        cursor.execute(GIVE_BACK, [unused, key])
                    elif used >= groups[key][0].rate.limit:
                        self._remember(key, left_seconds)
        except (DatabaseFault, DatabaseUnavailable) as exc:
            if isinstance(exc.__cause__, PoolTimeout | TooManyRequests):
                for asked in batch:
                    asked.error = exc
        finally:
            release_connection()

    def _remember(self, key: str, left_seconds: float) -> None:
        with self._lock:
            if len(self._used_up) >= MOST_KNOWN:
                self._used_up.clear()  # they are read once more; nothing is lost
            self._used_up[key] = time.monotonic() + left_seconds


def forget_ended_windows() -> None:
    """Delete the windows that have ended."""
    with preparing_cursor() as cursor:
        cursor.execute(FORGET)


def _share_out(group: Sequence[_Asked], granted: int, used: int, left_seconds: float) -> int:
    """Divide the granted amount among the requests, in their order, and return the unused rest."""
    remaining = group[0].rate.limit - used + granted  # before the first of them
    for asked in group:
        is_allowed = asked.cost <= granted
        if is_allowed:
            granted -= asked.cost
            remaining -= asked.cost
        asked.quota = Quota(0.0 if is_allowed else left_seconds, remaining, left_seconds)
    return granted


def _key_of(who: str) -> str:
    """Return a digest, so that addresses and user ids are not stored."""
    return hashlib.blake2b(who.encode("utf-8", "replace"), digest_size=16).hexdigest()
