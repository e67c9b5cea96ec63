"""Roles of the embedded Postgres: its owner, and a role without special rights that ragsite itself uses.

Both have a password, made at the first start and kept beside the data, for the owner of the files only. A data
directory of an earlier version, where everybody on the machine could log in as superuser, is changed at its next start.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

OWNER, APPLICATION = "postgres", "ragsite"
_PASSWORDS = "ragsite_passwords.json"
_MARK = "# ragsite: logins need a password\n"
_RULES = (
    _MARK
    + "local all all scram-sha-256\n"
    + "host all all 127.0.0.1/32 scram-sha-256\n"
    + "host all all ::1/128 scram-sha-256\n"
)


def url_for(directory: Path, owners_url: str, *, as_owner: bool = False) -> str:
    """Return the URL with which ragsite, or the owner, logs in to the running server of a data directory.

    `owners_url` is the owner's, without a password. The first call makes the role and the passwords, and gives the role
    what earlier versions made as the owner.
    """
    passwords = _passwords(directory)
    with_password = _with(owners_url, OWNER, passwords[OWNER])
    rules = directory / "pg_hba.conf"
    if not rules.read_text().startswith(_MARK):
        _make_role(with_password, passwords)
        _replace(rules, _RULES)
        import psycopg  # here: the process that stays in memory imports this module, and rarely needs it

        with psycopg.connect(with_password, autocommit=True) as owner:
            owner.execute("SELECT pg_reload_conf()")
    return with_password if as_owner else _with(owners_url, APPLICATION, passwords[APPLICATION])


def _passwords(directory: Path) -> dict[str, str]:
    path = directory / _PASSWORDS
    if not path.exists():
        made = {role: secrets.token_urlsafe(24) for role in (OWNER, APPLICATION)}
        _replace(path, json.dumps(made), like=directory / "PG_VERSION")
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _replace(path: Path, text: str, *, like: Path | None = None) -> None:
    """Write a file whole or not at all, with the owner of the one that it replaces: the server runs as another user."""
    before = (like or path).stat()
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    opened = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(opened, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(opened)
        if os.geteuid() == 0:
            os.fchown(opened, before.st_uid, before.st_gid)
    new.rename(path)


def _with(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}"))


def _make_role(owners_url: str, passwords: dict[str, str]) -> None:
    import psycopg  # see above
    from psycopg import sql

    with psycopg.connect(owners_url) as owner:
        if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
            owner.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(APPLICATION)))
        for role, rights in ((OWNER, "LOGIN"), (APPLICATION, "LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION CREATEDB")):
            owner.execute(
                sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(
                    sql.Identifier(role),
                    sql.SQL(rights),
                    sql.Literal(passwords[role]),
                )
            )
        owner.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(APPLICATION)))
        databases = [
            name
            for (name,) in owner.execute(
                "SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname = 'postgres'"
            )
        ]
        for name in databases:
            if name != "template1":
                owner.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(APPLICATION))
                )
    for name in databases:
        with psycopg.connect(urlunsplit(urlsplit(owners_url)._replace(path=f"/{name}"))) as owner:
            owner.execute("CREATE EXTENSION IF NOT EXISTS vector")  # that only a superuser may do; copies have it, too
            if name != "template1":
                owner.execute(_HAND_OVER)


# All that migrations of earlier versions made as the owner, but what belongs to an extension.
_HAND_OVER = """
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = 'public'),
        extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
        SELECT 'ALTER SCHEMA public OWNER TO ragsite'
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO ragsite',
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                ELSE 'TABLE' END,
            class.oid::regclass)
        FROM pg_class AS class
        WHERE relnamespace IN (SELECT oid FROM ours) AND relkind IN ('r', 'p', 'v', 'm', 'S')
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_class'::regclass AND objid = class.oid)
        AND NOT EXISTS (  -- a column's sequence goes with its table
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid
            AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND relkind = 'S'
        )
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO ragsite', routine.oid::regprocedure)
        FROM pg_proc AS routine
        WHERE pronamespace IN (SELECT oid FROM ours)
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = routine.oid)
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO ragsite', kind.oid::regtype)
        FROM pg_type AS kind
        WHERE typnamespace IN (SELECT oid FROM ours) AND typtype IN ('e', 'd')
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_type'::regclass AND objid = kind.oid)
        UNION ALL
        SELECT format('ALTER TEXT SEARCH CONFIGURATION %s OWNER TO ragsite', configuration.oid::regconfig)
        FROM pg_ts_config AS configuration WHERE cfgnamespace IN (SELECT oid FROM ours)
        UNION ALL
        SELECT format('ALTER TEXT SEARCH DICTIONARY %s OWNER TO ragsite', dictionary.oid::regdictionary)
        FROM pg_ts_dict AS dictionary WHERE dictnamespace IN (SELECT oid FROM ours)
    LOOP
        EXECUTE statement;
    END LOOP;
END $$
"""
