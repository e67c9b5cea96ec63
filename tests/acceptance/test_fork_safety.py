"""No process ever reads an answer that was meant for another one."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import requests
from django.db import connection, connections

from monitoring.serving import gunicorn_conf
from ragsite.paths import PROJECT
from ragsite.postgres.base import open_pools
from tests.server import running_server

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4
REQUESTS, QUERIES = 400, 25  # 10,000 queries
APPLICATION = "tests.acceptance.tagged_queries:application"
ENVIRONMENT = {"WEB_WORKERS": str(WORKERS), "WEB_THREADS": "110", "DATABASE_POOL_SIZE": "5"}


def test_ten_thousand_queries_over_four_workers_get_their_own_answers(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, application=APPLICATION, environment=ENVIRONMENT) as server,
        ThreadPoolExecutor(24) as threads,
    ):
        replies = list(
            threads.map(
                lambda number: requests.get(f"{server.url}/?tag={number}&times={QUERIES}", timeout=60), range(REQUESTS)
            )
        )
    assert {reply.status_code for reply in replies} == {200}
    assert sum(int(reply.text) for reply in replies) == 0


def test_an_application_that_is_loaded_before_the_fork_and_opens_a_pool_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="pool was opened before the workers were forked"),
        running_server(
            tmp_path,
            application=APPLICATION,
            environment=ENVIRONMENT,
            OPEN_A_POOL_FIRST="1",
        ),
    ):
        pass


def test_ours_is_loaded_before_the_fork_and_opens_nothing() -> None:
    code = (
        "import django; django.setup(); import threading, ragsite.wsgi, ragsite.urls;"
        "from ragsite.postgres.base import open_pools; print(open_pools(), threading.active_count())"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings", "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True)
    assert gunicorn_conf.preload_app is True
    assert done.stdout.strip() == "{} 1", done.stderr


def test_a_thread_that_runs_before_the_fork_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunicorn_conf, "_pools", dict)
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    with pytest.raises(RuntimeError, match="Threads were started before the workers were forked: MainThread"):
        gunicorn_conf.pre_fork(None, None)


def test_a_pool_that_came_with_a_fork_is_dropped_and_stays_its_owners() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ours,) = cursor.fetchone()
    ours_end, childs_end = multiprocessing.get_context("fork").Pipe()
    pid = os.fork()
    if pid == 0:
        _tell_backend_of_a_child(childs_end)
    theirs = ours_end.recv()
    os.waitpid(pid, 0)
    assert isinstance(theirs, int), theirs
    assert theirs != ours, "the child uses our connection"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == (ours,), "the child closed our connection"


def _tell_backend_of_a_child(told: Connection) -> None:
    """Do as a worker does after the fork, ask once, and end without cleaning up what is the parent's."""
    try:
        gunicorn_conf.post_fork(None, None)
        assert not open_pools()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            told.send(cursor.fetchone()[0])
        connections.close_all()
    except BaseException as exc:
        told.send(repr(exc))
    finally:
        os._exit(0)
