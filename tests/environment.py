"""The environment of the tests, set before Django reads it: nothing from outside, and a Postgres of their own.

Loaded by `-p tests.environment`, which is earlier than any conftest. TEST_DATABASE_URL names a server to use instead
of the embedded one.
"""

import os

from ragsite import embedded_postgres
from ragsite.paths import PROJECT

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
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or embedded_postgres.start(
    PROJECT / "var" / "postgres-test",
    as_owner=True,  # settings of the server are tested, too
)
