"""A real Postgres of a test's own, with the schema and a small public library: to be restarted, frozen and stopped."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ragsite.paths import PROJECT
from ragsite.postgres import embedded_server

FILL = """
import sys, django
django.setup()
from django.core.management import call_command
from tests.querying.library import make_library
call_command("migrate", verbosity=0)
make_library(slug="handbook")
"""


@dataclass(frozen=True)
class OwnPostgres:
    """A running server."""

    directory: Path
    url: str

    def restart(self, *, immediately: bool = False) -> None:
        """End all connections, stop, and start again."""
        embedded_server.restart(self.directory, immediately=immediately)

    def stop(self) -> None:
        """Stop."""
        embedded_server.stop(self.directory)

    def start(self) -> None:
        """Start again, at the same address."""
        embedded_server.start(self.directory)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query that a client of its own makes."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(sql.encode()).fetchall()

    def backends(self) -> list[int]:
        """Return the processes that serve the web workers' connections."""
        rows = self.query(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return [int(str(pid)) for (pid,) in rows]


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    """A server for the tests of one module, which should be one group of xdist: each worker would start its own."""
    # Not in pytest's folder: every other run closes that to all users but its own, and Postgres is another one.
    with tempfile.TemporaryDirectory(prefix="ragsite-") as folder:
        directory = Path(folder).resolve() / "pg"
        _copy(_prepared(tmp_path_factory), directory)
        server = OwnPostgres(directory, embedded_server.start(directory))
        try:
            yield server
        finally:
            server.stop()


def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data of a server that is stopped: made once for all workers of this run, which takes 10 s of CPU."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    prepared = shared / "own-postgres"
    with (shared / "own-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not prepared.exists():
            with tempfile.TemporaryDirectory(prefix="ragsite-") as folder:
                directory = Path(folder).resolve() / "pg"
                _fill(directory)
                _copy(directory, prepared)
    return prepared


def _fill(directory: Path) -> None:
    server = OwnPostgres(directory, embedded_server.start(directory))
    try:
        subprocess.run(
            [sys.executable, "-c", FILL],
            cwd=PROJECT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "ragsite.settings",
                "DATABASE_URL": server.url,
                "MEDIA_ROOT": str(directory.parent / "media"),
            },
            check=True,
            timeout=120,
        )
    finally:
        server.stop()
    with (directory / "postgresql.conf").open("a") as configuration:
        configuration.write("fsync = off\n")  # a test stops servers, and never the machine


def _copy(source: Path, target: Path) -> None:
    """Copy the data of a server that is stopped, with their owner, whom Postgres insists on."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def freeze(pid: int) -> None:
    """Stop a process where it is."""
    os.kill(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """Let it go on."""
    os.kill(pid, signal.SIGCONT)
