"""Reads and writes a Postgres server's settings; the previous values are kept in a file, and can be restored."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection
from psycopg import sql

from monitoring.tuning.advice import Change, Setting

LEAVE_SECONDS = 3.0  # a closed connection may be listed for a moment longer
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


class TuningRefused(Exception):
    """The settings can't be changed here; the message says why and what else to do."""


def read_settings(names: Sequence[str]) -> dict[str, Setting]:
    """Return these settings of the server, those that it has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name), context = 'postmaster' FROM pg_settings WHERE name = ANY (%s)",
            [list(names)],
        )
        return {name: Setting(value, needs_restart) for name, value, needs_restart in cursor.fetchall()}


def is_on_this_machine() -> bool:
    """Return whether the server's memory is this machine's."""
    host = str(connection.settings_dict["HOST"] or connection.settings_dict["OPTIONS"].get("host", ""))
    return host in LOCAL_HOSTS or host.startswith("/")


def apply_changes(changes: Sequence[Change]) -> Path:
    """Write the settings that differ, let the server read them again, and return the file with what was before.

    All or none: when one is refused, those before are put back. Raises TuningRefused without the rights.
    """
    _check_rights()
    wanted = {change.name: change.recommended for change in changes if change.differs}
    previous = _own_settings(list(wanted))
    backup = _keep(previous)
    try:
        _write(wanted)
    except DatabaseError:
        _write(previous)
        backup.unlink()
        raise
    return backup


def restore_settings() -> tuple[Path, list[str]]:
    """Put back what the last apply has replaced; return its file, now marked as restored, and the settings' names.

    Raises TuningRefused when there is nothing to put back, or it belongs to another server.
    """
    _check_rights()
    backups = sorted(_folder().glob("*.json"))
    if not backups:
        raise TuningRefused(f"There is no backup in {_folder()}: nothing was applied, or all of it was restored.")
    newest = backups[-1]
    kept = json.loads(newest.read_text())
    if kept["system_identifier"] != _system_identifier():
        raise TuningRefused(f"{newest} is of another server; DATABASE_URL names a different one now.")
    _write(kept["previous"])
    return newest.rename(newest.with_suffix(".restored")), sorted(kept["previous"])


def others_are_connected() -> bool:
    """Return whether anybody but this process uses the server."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # idle connections of this process don't count
    give_up_at = time.monotonic() + LEAVE_SECONDS
    with psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5) as alone:
        while not _is_alone(alone):
            if time.monotonic() > give_up_at:
                return True
            time.sleep(0.05)
    return False


def _is_alone(alone: psycopg.Connection[Any]) -> bool:
    row = alone.execute("SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchone()
    return bool(row and row[0])


def _check_rights() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise TuningRefused(
            "The user of DATABASE_URL is not a superuser of Postgres, and may not change its settings. Run this with "
            "one that is, or set the values where the server is configured (a provider's console, postgresql.conf)."
        )


def _own_settings(names: Sequence[str]) -> dict[str, str | None]:
    """Return what ALTER SYSTEM has set before; None: nothing, the value comes from elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_file_settings"
            " WHERE sourcefile LIKE '%%postgresql.auto.conf' AND name = ANY (%s) ORDER BY seqno",
            [list(names)],
        )
        found = dict(cursor.fetchall())
    return {name: found.get(name) for name in names}


def _write(wanted: Mapping[str, str | None]) -> None:
    """Set these, or take away what ALTER SYSTEM has set, and let the server read its files again."""
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            if value is None:
                cursor.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            else:
                statement = sql.SQL("ALTER SYSTEM SET {} = {}")
                cursor.execute(statement.format(sql.Identifier(name), sql.Literal(value)))
        cursor.execute("SELECT pg_reload_conf()")


def _keep(previous: Mapping[str, Any]) -> Path:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S%f}.json"
    kept = {"at": now.isoformat(), "system_identifier": _system_identifier(), "previous": previous}
    path.write_text(json.dumps(kept, indent=2) + "\n")
    return path


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "postgres-settings"


def _system_identifier() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        return str(cursor.fetchone()[0])
