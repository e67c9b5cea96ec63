"""What users notice of a Redis that dies, freezes or forgets: nothing, through the real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
import requests

from monitoring.lab.testbed.redis_server import RedisProcess
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.redis import redis_server
from tests.server import Server, running_server
from tests.timing import stays_below

__all__ = ["redis_server"]
pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]
WORKERS = 2
REQUESTS = 200
# So high that nobody is refused: every request then asks Redis.
LIMIT = {"RATE_LIMIT_QUERY": "1000000/h", "WEB_WORKERS": str(WORKERS)}


def ask(server: Server) -> tuple[int, float]:
    started = time.monotonic()
    reply = requests.post(f"{server.url}/api/v1/search", json={"query": QUESTION}, timeout=30)
    return reply.status_code, time.monotonic() - started


def ask_often(server: Server) -> list[float]:
    """Return how long each took; all of them were answered."""
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: ask(server), range(REQUESTS)))
    assert {status for status, _ in replies} == {200}
    return sorted(seconds for _, seconds in replies)


def silences(server: Server) -> float:
    figures = requests.get(f"{server.url}/metrics", timeout=30).text
    lines = [line for line in figures.splitlines() if line.startswith("redis_silences_total")]
    return sum(float(line.split()[-1]) for line in lines)


@pytest.mark.parametrize(
    "harm",
    [
        RedisProcess.kill,
        RedisProcess.freeze,
        lambda server: redis.Redis.from_url(server.url).flushall(),
    ],
    ids=["refused", "frozen", "flushed"],
)
def test_a_sick_redis_is_not_noticed(
    redis_server: RedisProcess, tmp_path: Path, harm: Callable[[RedisProcess], object]
) -> None:
    make_library(slug="handbook")
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    environment = {**LIMIT, "REDIS_URL": redis_server.url, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    with running_server(tmp_path, environment=environment) as server:
        healthy = ask_often(server)
        assert redis.Redis.from_url(redis_server.url).keys("ragsite:rate:*"), "Redis has no part in this"
        began = time.monotonic()
        harm(redis_server)
        sick: list[float] = []

        def median_seconds() -> float:
            sick[:] = ask_often(server)
            return sick[len(sick) // 2]

        assert stays_below(healthy[len(healthy) // 2] + 0.1, median_seconds), "most requests wait for Redis"
        took_seconds = time.monotonic() - began
        # Of all the requests of a worker, a few find out at the same moment, and then one every five seconds.
        assert silences(server) <= WORKERS * (8 + took_seconds / 5)
        assert sick[-1] < healthy[-1] + 2
        assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200


def test_a_redis_that_is_absent_at_the_start_is_waited_for_and_then_done_without(
    redis_server: RedisProcess, tmp_path: Path
) -> None:
    make_library(slug="handbook")
    redis_server.kill()
    with running_server(tmp_path, environment={**LIMIT, "WEB_WORKERS": "1"}, REDIS_URL=redis_server.url) as server:
        assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200
        red = requests.get(f"{server.url}/health/ready", timeout=30)
        assert red.status_code == 503
        assert red.json()["services"]["redis"]["healthy"] is False
        assert red.json()["services"]["postgres"]["healthy"] is True
        assert ask(server)[0] == 200
        redis_server.start()
        give_up_at = time.monotonic() + 20
        while requests.get(f"{server.url}/health/ready", timeout=30).status_code != 200:
            assert time.monotonic() < give_up_at, "it does not heal"
            time.sleep(0.2)
        redis_server.kill()  # seen once: from now on it is done without
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        assert requests.get(f"{server.url}/health", timeout=30).json()["status"] == "degraded"
