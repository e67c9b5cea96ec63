"""Tries to use Postgres: tells whether it works, is not up yet, or can never work as configured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from django.db import connection

from monitoring.health.services import OLDEST_PGVECTOR
from ragsite.postgres.connections import FINAL_REASONS, reason_of
from ragsite.postgres.thread_connection import connection_parameters, separate_connection

LOOK_EVERY_SECONDS = 0.5
TELL_EVERY_SECONDS = 10.0
FACTS = """
SELECT current_setting('server_version_num')::int,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')
"""


@dataclass(frozen=True)
class Trial:
    """Result of a trial. `problem`: a sentence, empty when nothing is wrong. `is_final`: waiting would not help."""

    problem: str = ""
    is_final: bool = False


def try_postgres() -> Trial:
    """Return whether a connection can be made, and what the server lacks. Takes a few seconds at most."""
    try:
        with separate_connection() as found:
            row = found.execute(FACTS).fetchone()
    except psycopg.Error as exc:
        reason = reason_of(exc)
        is_final = reason in FINAL_REASONS
        advice = "correct DATABASE_URL" if is_final else "is it running, and is DATABASE_URL right?"
        return Trial(f"Postgres at {_address()} can't be used, {reason}: {advice}", is_final)
    assert row is not None
    problem = _lacking(*row)
    return Trial(problem, is_final=bool(problem))


def wait_for_postgres(seconds: float, tell: Callable[[str], None]) -> Trial:
    """Return the last trial: the first one that succeeds or fails for good, or the one after so many seconds."""
    give_up_at, tell_at = time.monotonic() + seconds, time.monotonic()
    while True:
        trial = try_postgres()
        now = time.monotonic()
        if not trial.problem or trial.is_final or now >= give_up_at:
            return trial
        if now >= tell_at:
            tell(f"{trial.problem} Waiting for up to {give_up_at - now:.0f} s.")
            tell_at = now + TELL_EVERY_SECONDS
        time.sleep(LOOK_EVERY_SECONDS)


def _lacking(version: int, installed: str | None, available: str | None) -> str:
    """Return what this server lacks, in a sentence; `version` as Postgres counts: 150013 is 15.13."""
    (oldest,) = connection.features.minimum_database_version or (14,)
    if version // 10_000 < oldest:
        return f"Postgres {version // 10_000} is too old: {oldest} or newer is needed."
    needed = ".".join(map(str, OLDEST_PGVECTOR))
    if installed is None and available is None:
        return (
            f"This Postgres has no pgvector, which keeps the vectors: install pgvector {needed} or newer on its "
            "machine (Debian: postgresql-NN-pgvector), or use a server that has it."
        )
    usable = installed or available or ""
    if _numbers(usable) < OLDEST_PGVECTOR:
        how = "run ALTER EXTENSION vector UPDATE in this database" if _is_newer(available, usable) else "upgrade it"
        return f"pgvector {usable} of this Postgres is too old, {needed} or newer is needed: {how}."
    return ""


def _is_newer(available: str | None, usable: str) -> bool:
    return available is not None and _numbers(available) > _numbers(usable)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _address() -> str:
    """Return where it is looked for, without user and password."""
    parameters = connection_parameters()
    return f"{parameters.get('host') or 'the local socket'}:{parameters.get('port') or 5432}"
