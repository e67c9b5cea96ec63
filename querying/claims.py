"""Which answers are being made right now, told to the other processes: in Redis where there is one, else in Postgres.

A claim is a hint with a short life, no lock: whoever can't tell goes ahead, and at worst an answer is made twice.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.cache import caches

from querying.cache_faults import unless_it_fails
from ragsite.database_connection import preparing_cursor

CLAIM_SECONDS = 10  # longer than most answers take; a process that died doesn't hold the others up for longer

_TAKE = """
INSERT INTO querying_answerclaim AS claim (key, owner, expires_at)
VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE claim.expires_at < clock_timestamp() OR claim.owner = excluded.owner
RETURNING 1
"""


def take(key: str, owner: UUID) -> bool:
    """Return whether to make this answer here; False: another process is at it."""
    if settings.REDIS_URL:
        cache = caches["default"]
        # Refused although nobody has it: Redis is ill, or it was released between the two commands.
        return bool(cache.add(_name(key), str(owner), timeout=CLAIM_SECONDS)) or cache.get(_name(key)) is None
    return unless_it_fails(lambda: _take_row(key, owner)) is not False


def release(key: str, owner: UUID) -> None:
    """Let others make the answer, or find it."""
    if settings.REDIS_URL:
        cache = caches["default"]
        if cache.get(_name(key)) == str(owner):
            cache.delete(_name(key))
    else:
        unless_it_fails(lambda: _release_row(key, owner))


def _take_row(key: str, owner: UUID) -> bool:
    with preparing_cursor() as cursor:
        cursor.execute(_TAKE, [key, owner, CLAIM_SECONDS])
        return cursor.fetchone() is not None


def _release_row(key: str, owner: UUID) -> None:
    with preparing_cursor() as cursor:
        cursor.execute("DELETE FROM querying_answerclaim WHERE key = %s AND owner = %s", [key, owner])


def _name(key: str) -> str:
    return f"claim:{key}"
