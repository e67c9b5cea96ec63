"""Claims tell other processes which answers this one computes now: in Redis if REDIS_URL is set, else in Postgres.

A claim is a hint that expires, and no lock: a process that can't read the claims computes the answer, and at worst an
answer is computed twice. It is renewed while the answer is computed, however slow the model is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.cache import caches
from django.db import connection

from querying.cachestore import background_writer
from querying.cachestore.failures import unless_it_fails
from ragsite.postgres.limits import bounded_transaction
from ragsite.postgres.thread_connection import preparing_cursor
from ragsite.process_memory import on_reset

CLAIM_SECONDS = 10  # how long a process that died delays the others
RENEW_SECONDS = 3  # three times before a claim expires; most answers need none

_TAKE = """
INSERT INTO querying_answerclaim AS claim (key, owner, expires_at)
VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE claim.expires_at < clock_timestamp() OR claim.owner = excluded.owner
RETURNING 1
"""
_RENEW = """
UPDATE querying_answerclaim AS claim SET expires_at = clock_timestamp() + make_interval(secs => %s)
FROM unnest(%s::text[], %s::uuid[]) AS held (key, owner)
WHERE claim.key = held.key AND claim.owner = held.owner
"""


@dataclass
class _HeldClaim:
    owner: UUID
    taken_at: float  # on the monotonic clock
    renewed_at: float


class Claim:
    """The claim of one question on its answer. `is_held`: this process has to compute it."""

    def __init__(self, key: str, owner: UUID) -> None:
        self._key = key
        self._owner = owner
        self.is_held = False

    def take(self) -> None:
        """Set `is_held`, unless another process has the claim."""
        self.is_held = take(self._key, self._owner)

    def release(self) -> None:
        """Release the claim if it is held. Idempotent."""
        if self.is_held:
            self.is_held = False
            release(self._key, self._owner)


_lock = threading.Lock()
_claims: dict[str, _HeldClaim] = {}  # the claims of this process, by key


def take(key: str, owner: UUID) -> bool:
    """Return whether this process has the claim now; False: another one has it."""
    if not _take(key, owner):
        return False
    now = time.monotonic()
    with _lock:
        _claims[key] = _HeldClaim(owner, now, now)
    background_writer.begin()
    return True


def renew() -> None:
    """Renew the claims of this process that are older than RENEW_SECONDS. Raises what the database raises.

    No claim is renewed for longer than an answer may take, so one that is never released expires too.
    """
    now = time.monotonic()
    with _lock:
        for key in [key for key, held in _claims.items() if now - held.taken_at > settings.DEADLINE_MAX_SECONDS]:
            del _claims[key]
        due = {key: held for key, held in _claims.items() if now - held.renewed_at >= RENEW_SECONDS}
    if due:
        _renew({key: held.owner for key, held in due.items()})
    for held in due.values():
        held.renewed_at = now


def held_keys() -> frozenset[str]:
    """Return the keys that this process has claimed."""
    with _lock:
        return frozenset(_claims)


def forget_all() -> None:
    """Forget the claims of this process, without a release: they expire."""
    with _lock:
        _claims.clear()


on_reset(forget_all)


def release(key: str, owner: UUID) -> None:
    """Release the claim, so that another process may compute the answer or find it."""
    with _lock:
        if key in _claims and _claims[key].owner == owner:
            del _claims[key]
    if settings.REDIS_URL:
        cache = caches["default"]
        if cache.get(_name(key)) == str(owner):
            cache.delete(_name(key))
    else:
        unless_it_fails(lambda: _release_row(key, owner))


def _take(key: str, owner: UUID) -> bool:
    if settings.REDIS_URL:
        cache = caches["default"]
        # Refused although no process has it: Redis fails, or the claim was released between the two commands.
        return bool(cache.add(_name(key), str(owner), timeout=CLAIM_SECONDS)) or cache.get(_name(key)) is None
    return unless_it_fails(lambda: _take_row(key, owner)) is not False


def _renew(owners: Mapping[str, UUID]) -> None:
    if settings.REDIS_URL:
        cache = caches["default"]
        for key, owner in owners.items():
            if cache.get(_name(key)) == str(owner):
                cache.touch(_name(key), CLAIM_SECONDS)
        return
    with bounded_transaction(background_writer.STATEMENT_SECONDS), connection.cursor() as cursor:
        cursor.execute(_RENEW, [CLAIM_SECONDS, list(owners), list(owners.values())])


def _take_row(key: str, owner: UUID) -> bool:
    with preparing_cursor() as cursor:
        cursor.execute(_TAKE, [key, owner, CLAIM_SECONDS])
        return cursor.fetchone() is not None


def _release_row(key: str, owner: UUID) -> None:
    with preparing_cursor() as cursor:
        cursor.execute("DELETE FROM querying_answerclaim WHERE key = %s AND owner = %s", [key, owner])


def _name(key: str) -> str:
    return f"claim:{key}"


background_writer.store_later(renew)
