"""Rate limits through the real server: exact over its workers, with Redis and without."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from documents.models import ApiKey
from monitoring.lab.testbed.redis_server import RedisProcess
from tests.factories import make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.redis import patient, redis_server
from tests.server import Server, running_server

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 2
LIMIT = {"RATE_LIMIT_QUERY": "50/h", "RATE_LIMIT_UPLOAD": "2/h", "WEB_WORKERS": str(WORKERS), "DATABASE_POOL_SIZE": "4"}


def ask(server: Server, path: str = "/api/v1/search", **options: Any) -> requests.Response:
    return requests.post(f"{server.url}{path}", **{"json": {"query": QUESTION}, "timeout": 30, **options})


def statuses_of_200(server: Server) -> Counter[int]:
    """Ask 200 times at once, each time as somebody else behind a proxy that isn't there."""
    with ThreadPoolExecutor(24) as threads:
        return Counter(
            threads.map(
                lambda number: ask(server, headers={"X-Forwarded-For": f"10.0.{number}.1"}).status_code, range(200)
            )
        )


@pytest.mark.redis
def test_with_redis_exactly_the_limit_is_allowed(redis_server: RedisProcess, tmp_path: Path) -> None:
    make_library(slug="handbook")
    with running_server(tmp_path, environment=LIMIT, REDIS_URL=patient(redis_server.url)) as server:
        assert statuses_of_200(server) == {200: 50, 429: 150}
        redis_server.kill()
        # A worker that had more than its share gives nothing; the other one gives the rest of its own.
        assert statuses_of_200(server)[200] <= 50 * (WORKERS - 1)


def test_without_redis_exactly_the_limit_is_allowed(tmp_path: Path) -> None:
    make_library(slug="handbook")
    with running_server(tmp_path, environment=LIMIT) as server:
        assert statuses_of_200(server) == {200: 50, 429: 150}


def test_the_refusal_is_a_problem_with_a_time_and_others_go_on(tmp_path: Path) -> None:
    user = make_user(role="editor", tenant=make_library(slug="handbook").tenant)
    keys = [ApiKey.issue(user=user, name=name, scopes=["query", "ingest"])[1] for name in "ab"]
    with running_server(tmp_path, environment={**LIMIT, "WEB_WORKERS": "1", "RATE_LIMIT_QUERY": "3/h"}) as server:
        for left, (path, body) in zip(
            [2, 1, 0],
            [
                ("/api/v1/search", {"query": QUESTION}),
                ("/api/v1/query", {"query": QUESTION}),
                ("/ask", {"question": QUESTION}),
            ],
            strict=True,
        ):
            reply = ask(server, path, json=body)
            assert reply.status_code == 200
            assert f";r={left};" in reply.headers["RateLimit"]
        for path in ["/api/v1/search", "/api/v1/query", "/api/query", "/ask", "/api/v1/search/batch"]:
            refused = ask(server, path)
            assert refused.status_code == 429, path
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert 1 <= int(refused.headers["Retry-After"]) <= 3600
            assert refused.headers["RateLimit-Policy"] == '"query";q=3;w=3600'
            assert re.fullmatch(r'"query";r=0;t=3[56]\d\d', refused.headers["RateLimit"])
            assert refused.json()["code"] == "throttled"
            assert re.fullmatch(r"That was too often; try again in \d+ minutes\.", refused.json()["detail"])
        for key in keys:
            assert ask(server, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        batch = {"queries": [QUESTION] * 3}
        assert ask(server, "/api/v1/search/batch", json=batch, headers=bearer(keys[0])).status_code == 429
        assert ask(server, "/api/v1/search/batch", json={"queries": [QUESTION] * 2}, headers=bearer(keys[0])).ok
        assert requests.get(f"{server.url}/api/v1/corpora", timeout=30).status_code == 200
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        uploads = [
            requests.post(f"{server.url}/api/v1/documents", files={"file": b"x"}, headers=bearer(keys[1]), timeout=30)
            for _ in range(3)
        ]
        assert [reply.status_code == 429 for reply in uploads] == [False, False, True]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
