"""Orders and events outlive an absence of Postgres, which disturbs no worker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import requests

from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.paths import PROJECT
from tests.monitoring.watched_hosts import wait_until
from tests.postgres import OwnPostgres, own_postgres
from tests.server import Server, running_server

__all__ = ["own_postgres"]


def state(server: Server) -> str:
    service = requests.get(f"{server.url}/health", timeout=10).json()["services"]["ollama"]
    return str(service["hosts"][0]["circuits"]["embed"]["state"])


def order(database_url: str, standin: StandIn, what: str) -> None:
    environment = {"DATABASE_URL": database_url, "OLLAMA_BASE_URL": standin.url, "ENV_FILE": "/nowhere"}
    subprocess.run(
        [sys.executable, "manage.py", "circuit", what, standin.url, "embed"],
        cwd=PROJECT,
        env=environment,
        check=True,
        timeout=60,
    )


def test_what_was_ordered_holds_while_postgres_is_away_and_new_orders_come_when_it_is_back(
    own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    with (
        StandIn(["nomic-embed-text"]) as standin,
        running_server(
            tmp_path, DATABASE_URL=own_postgres.url, OLLAMA_BASE_URL=standin.url, DATABASE_POOL_TIMEOUT="1"
        ) as server,
    ):
        order(own_postgres.url, standin, "open")
        wait_until(lambda: state(server) == "OPEN")
        own_postgres.stop()
        try:
            time.sleep(8)  # longer than an ill database is left alone
            assert state(server) == "OPEN"
            assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200
        finally:
            own_postgres.start()
        order(own_postgres.url, standin, "close")
        wait_until(lambda: state(server) == "CLOSED")
        wait_until(lambda: len(own_postgres.query("SELECT 1 FROM monitoring_circuitevent")) == 2)
        log = server.log.read_text()
    assert "Traceback" not in log
    assert log.count("changes of circuits wait for the database") <= 1
