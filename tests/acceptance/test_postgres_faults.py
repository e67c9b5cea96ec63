"""What users notice of Postgres' bad days, through the real server: as little as can be."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.postgres import OwnPostgres, freeze, own_postgres, thaw
from tests.querying.conftest import QUESTION
from tests.server import Server, running_server

__all__ = ["own_postgres"]
pytestmark = pytest.mark.xdist_group("postgres faults")
WORKERS = 2
ENVIRONMENT = {
    "DATABASE_STATEMENT_TIMEOUT_MS": "5000",
    "DATABASE_POOL_TIMEOUT": "2",
    "DATABASE_POOL_SIZE": "3",
    "WEB_WORKERS": str(WORKERS),
    "WEB_THREADS": "32",
}


@contextmanager
def serving(postgres: OwnPostgres | str, folder: Path, **environment: str) -> Iterator[Server]:
    url = postgres if isinstance(postgres, str) else postgres.url
    with running_server(folder, environment={**ENVIRONMENT, "DATABASE_URL": url, **environment}) as server:
        yield server


def ask(server: Server, *, timeout_seconds: float = 30.0) -> requests.Response:
    return requests.post(f"{server.url}/api/v1/search", json={"query": QUESTION}, timeout=timeout_seconds)


class Load:
    """People who ask and look around, until told to stop; what they got that they should not have."""

    def __init__(self, server: Server, people: int = 6) -> None:
        self.failures: list[tuple[float, str]] = []  # (when it began, what)
        self.answers = 0
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(people)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, number: int) -> None:
        url = self._server.url
        body = {"query": QUESTION}
        turns: list[Any] = [
            lambda: requests.post(f"{url}/api/v1/search", json=body, timeout=30),
            lambda: requests.get(f"{url}/api/v1/corpora", timeout=30),
            lambda: requests.post(f"{url}/api/v1/query", json=body, timeout=30),
            lambda: requests.get(f"{url}/api/v1/documents", timeout=30),
            lambda: requests.post(f"{url}/api/v1/query", json={**body, "stream": True}, timeout=30),
        ]
        while not self._stop.is_set():
            number += 1
            began = time.monotonic()
            reply = turns[number % len(turns)]()
            failed = reply.status_code != 200 or "event: error" in reply.text
            if failed:
                self.failures.append((began, f"{reply.status_code} of turn {number % len(turns)}: {reply.text[:300]}"))
            else:
                self.answers += 1
            time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("immediately", [False, True], ids=["fast", "immediate"])
def test_a_restart_under_load_fails_one_request_per_worker_at_most(
    own_postgres: OwnPostgres, tmp_path: Path, immediately: bool
) -> None:
    # A restart on a busy machine may take longer than the 2 s that requests usually wait.
    with serving(own_postgres, tmp_path, DATABASE_POOL_TIMEOUT="20") as server:
        assert ask(server).json()["passages"]
        with Load(server) as load:
            time.sleep(1)
            for _ in range(3):
                before = len(load.failures)
                own_postgres.restart(immediately=immediately)
                back_at = time.monotonic()
                time.sleep(2)
                assert len(load.failures) - before <= WORKERS, load.failures
            time.sleep(1)
            answers = load.answers
            time.sleep(1)
            assert load.answers > answers, "nobody gets an answer any more"
        assert not [what for began, what in load.failures if began > back_at + 5]


def test_an_exhausted_pool_is_503_with_a_time_and_not_500(own_postgres: OwnPostgres, tmp_path: Path) -> None:
    with serving(own_postgres, tmp_path, WEB_WORKERS="1", DATABASE_POOL_SIZE="1") as server:
        assert ask(server).status_code == 200
        with psycopg.connect(own_postgres.url) as holder:
            holder.execute("LOCK TABLE documents_corpus IN ACCESS EXCLUSIVE MODE")
            first = threading.Thread(target=lambda: ask(server))
            first.start()
            wait_until_somebody_waits(own_postgres)  # it has the connection
            started = time.monotonic()
            refused = ask(server)
            took_seconds = time.monotonic() - started
            page = requests.get(f"{server.url}/", timeout=30)
            waiting = requests.get(f"{server.url}/health/live", timeout=30)
            holder.rollback()
            first.join(30)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["code"] == "overloaded"
        assert took_seconds < 4
        assert page.status_code == 503
        assert "Retry-After" in page.headers
        assert waiting.status_code == 200
        assert ask(server).status_code == 200
        figures = requests.get(f"{server.url}/metrics", timeout=30).text
        assert "database_pool_requests_waiting" in figures
        assert 'database_pool_connections{state="in_use"' in figures
        refusals = [line for line in figures.splitlines() if line.startswith("database_pool_refused_total")]
        assert float(refusals[0].split()[-1]) >= 2


def wait_until_somebody_waits(postgres: OwnPostgres) -> None:
    give_up_at = time.monotonic() + 30
    while not postgres.query("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert time.monotonic() < give_up_at, "nobody waits for the lock"
        time.sleep(0.02)


def test_a_frozen_backend_costs_one_request(own_postgres: OwnPostgres, tmp_path: Path) -> None:
    limits = {"WEB_WORKERS": "1", "DATABASE_POOL_SIZE": "2", "DATABASE_STATEMENT_TIMEOUT_MS": "1500"}
    with serving(own_postgres, tmp_path, **limits) as server:
        assert ask(server).status_code == 200
        frozen = own_postgres.backends()
        assert frozen
        for pid in frozen:
            freeze(pid)
        try:
            outcomes: Counter[int] = Counter()
            started = time.monotonic()
            for _ in range(10):
                outcomes[requests.get(f"{server.url}/api/v1/corpora", timeout=30).status_code] += 1
            assert outcomes[503] <= len(frozen), outcomes
            assert outcomes[200] >= 10 - len(frozen)
            assert time.monotonic() - started < 2 * 2.5 * len(frozen) + 5
        finally:
            for pid in frozen:
                thaw(pid)


def test_a_server_that_is_frozen_altogether_is_not_ready_and_heals(own_postgres: OwnPostgres, tmp_path: Path) -> None:
    limits = {"WEB_WORKERS": "1", "DATABASE_STATEMENT_TIMEOUT_MS": "1500"}
    with serving(own_postgres, tmp_path, **limits) as server:
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        postmaster = int((own_postgres.directory / "postmaster.pid").read_text().split()[0])
        frozen = [*own_postgres.backends(), postmaster]
        for pid in frozen:
            freeze(pid)
        try:
            red = requests.get(f"{server.url}/health/ready", timeout=15)
            assert red.status_code == 503
            assert red.json()["services"]["postgres"]["healthy"] is False
            assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200
        finally:
            for pid in frozen:
                thaw(pid)
        wait_until_ready(server, 30)
        assert ask(server).status_code == 200


def test_without_postgres_at_the_start_it_lives_and_heals(own_postgres: OwnPostgres, tmp_path: Path) -> None:
    own_postgres.stop()
    try:
        with serving(own_postgres, tmp_path) as server:
            assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200
            red = requests.get(f"{server.url}/health/ready", timeout=10)
            assert red.status_code == 503
            assert "refused" in red.json()["services"]["postgres"]["message"]
            refused = ask(server)
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            assert refused.headers["Retry-After"]
            time.sleep(3)  # longer than anybody waits: from here on, one tries and the others are refused at once
            with ThreadPoolExecutor(8) as threads:
                took_seconds = sorted(threads.map(lambda _: refused_after(server), range(40)))
            assert took_seconds[len(took_seconds) // 2] < 1.0, "each of them waited"
            own_postgres.start()
            wait_until_ready(server, 30)
            assert [ask(server).status_code for _ in range(4)] == [200] * 4
    finally:
        own_postgres.start()


def refused_after(server: Server) -> float:
    started = time.monotonic()
    assert ask(server).status_code == 503
    return time.monotonic() - started


def wait_until_ready(server: Server, seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while requests.get(f"{server.url}/health/ready", timeout=15).status_code != 200:
        assert time.monotonic() < give_up_at, "it does not heal"
        time.sleep(0.1)
