"""The environment of the tests, set before Django reads it: nothing from outside, and a Postgres of their own.

Loaded by `-p tests.environment`, which is earlier than any conftest. TEST_DATABASE_URL names a server to use instead
of the embedded one.
"""

import os
import sys

import psycopg

from ragsite.paths import PROJECT
from ragsite.postgres import embedded_server

# Compiled modules are kept, whatever the environment says: the tests start hundreds of processes, each of which would
# spend a third of a second on compiling ours, and every worker of pytest ten on the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

OURS = ("OLLAMA_", "DATABASE_", "REDIS_", "CIRCUIT_", "ENABLE_", "RAG_", "DEADLINE", "PROMETHEUS_MULTIPROC_DIR")
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
os.environ["DATABASE_STATEMENT_TIMEOUT_MS"] = "60000"
os.environ["DATABASE_POOL_TIMEOUT"] = "30"  # a busy machine is no failure
# Threads of linear algebra spin while they wait for each other. On a busy machine a process's first vector of the
# stand-in, a tenth of a second's work, takes them seconds, and whoever asked for it has given up.
os.environ["RAG_CPU_THREADS"] = "1"
os.environ["SECRET_KEY"] = "only-for-tests-and-never-anywhere-else-0123456789"
os.environ["VAR_DIR"] = str(PROJECT / "var" / "test")
(PROJECT / "var" / "test" / "static").mkdir(parents=True, exist_ok=True)
if not os.environ.get("RAGSITE_TEST_DB"):
    os.environ["RAGSITE_TEST_DB"] = "ragsite"


def started_postgres() -> str:
    """Return the URL of the embedded server. It spares the disk: what a crash of the machine spoils is only tests'."""
    url = embedded_server.start(PROJECT / "var" / "postgres-test", as_owner=True)  # its settings are tested, too
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
    return url


os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or started_postgres()
