"""Nobody gets into the embedded Postgres without a password, and ragsite itself is no superuser there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from ragsite.postgres import embedded_server
from tests.postgres import OwnPostgres, own_postgres

__all__ = ["own_postgres"]
pytestmark = pytest.mark.xdist_group("embedded roles")

EARLIER = """
CREATE TYPE mood AS ENUM ('fine', 'ill');
CREATE TABLE patient (id bigserial PRIMARY KEY, mood mood, place vector(2));
CREATE VIEW ill AS SELECT * FROM patient WHERE mood = 'ill';
CREATE FUNCTION count_them() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM patient';
CREATE TEXT SEARCH CONFIGURATION ours (COPY = pg_catalog.english);
INSERT INTO patient (mood, place) VALUES ('fine', '[1,2]');
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ragsite-") as folder:
        directory = Path(folder).resolve() / "pg"
        yield directory
        embedded_server.stop(directory)


def without_password(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


def may_log_in(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def test_ragsite_migrates_and_indexes_as_a_role_without_special_rights(own_postgres: OwnPostgres) -> None:
    """The fixture has migrated and indexed a library with this URL."""
    assert own_postgres.query(
        "SELECT current_user, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ) == [("ragsite", False, False)]
    assert own_postgres.query("SELECT count(*) > 0 FROM documents_embedding") == [(True,)]
    for statement in ("COPY documents_corpus TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own_postgres.query(statement)


def test_nobody_logs_in_without_a_password(own_postgres: OwnPostgres) -> None:
    for role in ("postgres", "ragsite"):
        assert not may_log_in(without_password(own_postgres.url, role))
    kept = own_postgres.directory / "ragsite_passwords.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.stat().st_uid == (own_postgres.directory / "PG_VERSION").stat().st_uid


def test_the_owner_has_a_url_of_its_own(own_postgres: OwnPostgres) -> None:
    url = embedded_server.start(own_postgres.directory, as_owner=True)
    with psycopg.connect(url) as owner:
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)


def test_a_data_directory_of_an_earlier_version_goes_on_with_all_that_is_in_it(directory: Path) -> None:
    make_as_earlier_versions_did(directory)
    for _ in range(2):  # the second start finds it done
        url = embedded_server.start(directory)
        with psycopg.connect(url) as ragsite:
            assert ragsite.execute("SELECT count_them()").fetchone() == (1,)
            ragsite.execute("INSERT INTO patient (mood) VALUES ('ill')")
            ragsite.execute("ALTER TABLE patient ADD COLUMN name text")
            ragsite.execute("ALTER TYPE mood RENAME TO feeling")
            ragsite.execute("DROP VIEW ill; DROP FUNCTION count_them; DROP TEXT SEARCH CONFIGURATION ours")
            ragsite.execute("CREATE EXTENSION IF NOT EXISTS vector")
            ragsite.rollback()
        assert not may_log_in(without_password(url, "postgres"))
        embedded_server.stop(directory)


def test_a_first_start_that_was_cut_short_is_completed_by_the_next(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_as_earlier_versions_did(directory)
    with monkeypatch.context() as patched:
        patched.setattr("ragsite.postgres.embedded_roles._RULES", None)  # the power fails before the rules are written
        with pytest.raises(TypeError):
            embedded_server.start(directory)
    embedded_server.stop(directory)
    url = embedded_server.start(directory)
    assert may_log_in(url)
    assert not may_log_in(without_password(url, "postgres"))


def make_as_earlier_versions_did(directory: Path) -> None:
    """Make a server where everybody is the superuser, with tables of theirs, and stop it."""
    directory.mkdir(parents=True)
    server = embedded_server._start_server(directory)
    with psycopg.connect(server.get_uri()) as everybody:
        everybody.execute("CREATE EXTENSION vector")
        everybody.execute(EARLIER)
    embedded_server._stop_server(server)
