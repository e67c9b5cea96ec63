"""Fifty identical questions at once cost one generation, over several processes too, with Redis and without."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from monitoring.lab.ollama_simulator.running import StandIn
from monitoring.lab.testbed.redis_server import RedisProcess
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.redis import patient, redis_server
from tests.server import running_server

__all__ = ["redis_server"]
pytestmark = pytest.mark.django_db(transaction=True)
QUESTIONS = 50


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(["llama3.2:1b"], num_parallel=64, first_token_seconds=2.0) as server:
        yield server


def ask_together(urls: list[str], *, streamed: bool) -> list[dict[str, Any]]:
    """Return the answers to one question that is asked at each address in turn, all at once."""
    start = threading.Barrier(QUESTIONS)

    def ask(number: int) -> dict[str, Any]:
        start.wait()
        body = {"query": QUESTION, "stream": streamed, "deadline_ms": 60_000}
        with requests.post(f"{urls[number % len(urls)]}/api/v1/query", json=body, timeout=60) as reply:
            assert reply.status_code == 200, reply.text
            answer: dict[str, Any] = json.loads(reply.text.split("data: ")[-1]) if streamed else reply.json()
            return answer

    with ThreadPoolExecutor(QUESTIONS) as threads:
        return list(threads.map(ask, range(QUESTIONS)))


def check(standin: StandIn, folder: Path, *, servers: int, streamed: bool = False, **environment: str) -> None:
    make_library(slug="handbook")
    environment |= {
        "OLLAMA_BASE_URL": standin.url,
        "LLM_MODEL": "llama3.2:1b",
        "MAX_OPEN_STREAMS": "64",
        "WEB_THREADS": "80",
    }
    with ExitStack() as running:
        urls = []
        for number in range(servers):
            (folder / str(number)).mkdir()
            server = running_server(folder / str(number), environment=environment)
            urls.append(running.enter_context(server).url)
        answers = ask_together(urls, streamed=streamed)
        later = ask_together(urls, streamed=streamed)
    assert len(standin.requests("chat")) == 1
    assert len({answer["answer"] for answer in [*answers, *later]}) == 1
    modes = [answer["answer_mode"] for answer in answers]
    assert sorted(modes) == ["cached"] * (QUESTIONS - 1) + ["generated"]
    assert {answer["answer_mode"] for answer in later} == {"cached"}
    assert len({answer["id"] for answer in answers}) == QUESTIONS


def test_two_workers_share_one_generation(standin: StandIn, tmp_path: Path) -> None:
    check(standin, tmp_path, servers=1, WEB_WORKERS="2")


@pytest.mark.parametrize("streamed", [False, True])
def test_two_servers_share_one_generation_through_postgres(standin: StandIn, tmp_path: Path, streamed: bool) -> None:
    check(standin, tmp_path, servers=2, streamed=streamed)


@pytest.mark.redis
def test_two_servers_share_one_generation_through_redis(
    standin: StandIn, tmp_path: Path, redis_server: RedisProcess
) -> None:
    check(standin, tmp_path, servers=2, REDIS_URL=patient(redis_server.url))
