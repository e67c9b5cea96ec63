"""Metrics of gunicorn started by hand: of all workers, whichever answers, and of this server alone."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.server import Server, running_server

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = 40


def ask(server: Server) -> int:
    """Ask on a connection of its own, so that any worker may answer."""
    reply = requests.post(f"{server.url}/api/v1/query", json={"query": QUESTION}, timeout=30)
    return reply.status_code


def figure(text: str, name: str) -> float:
    """Return the sum of a metric's samples."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def test_every_worker_tells_the_figures_of_all(tmp_path: Path) -> None:
    make_library(slug="handbook")
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with running_server(first, WEB_WORKERS="2", VAR_DIR=str(tmp_path)) as server:
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda _: ask(server), range(ASKED))) == {200}
        with running_server(second, VAR_DIR=str(tmp_path)):  # with the same VAR_DIR: it wipes nothing
            looks = [requests.get(f"{server.url}/metrics", timeout=30).text for _ in range(8)]
        reports = [requests.get(f"{server.url}/monitoring/performance-metrics", timeout=30).json() for _ in range(8)]
    for text in looks:
        assert figure(text, "cache_questions_total") == ASKED
        hits = float(re.findall(r'^cache_questions_total{outcome="hit"} (\S+)$', text, re.MULTILINE)[0])
        assert figure(text, "cache_hit_rate") == hits / ASKED
    assert {report["process_id"] for report in reports}, "no worker answered"
    assert {report["cache_hit_rate"] for report in reports} == {round(hits / ASKED, 4)}
    assert {report["counters_scope"] for report in reports} == {"all web processes"}
