"""The server's configuration: what it must never be, and its hooks."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from gunicorn.config import Config

from documents.keywords import word_lists
from monitoring.performance import pool_report
from monitoring.serving import web_worker
from ragsite import settings, shutdown
from ragsite.paths import PROJECT


@pytest.fixture(scope="module")
def gunicorn_conf() -> ModuleType:
    """The file as a module. Reading it completes the environment, which is put back for the other tests."""
    with mock.patch.dict(os.environ, {"ENV_FILE": "/nowhere"}):
        return importlib.import_module("monitoring.serving.gunicorn_conf")


@pytest.fixture
def configuration(gunicorn_conf: ModuleType) -> Any:
    """What gunicorn makes of the file; it refuses what it can't use."""
    config = Config()
    for name in config.settings:
        if hasattr(gunicorn_conf, name):
            config.set(name, getattr(gunicorn_conf, name))
    return config


def test_what_it_must_be(configuration: Any) -> None:
    assert configuration.preload_app is True
    assert configuration.max_requests == 0
    assert configuration.worker_class is web_worker.EvenThreadWorker
    assert configuration.threads == settings.WEB_THREADS
    assert configuration.worker_connections > configuration.threads
    assert configuration.control_socket_disable is True
    assert settings.DEADLINE_SECONDS < configuration.graceful_timeout < 100


def test_the_address_comes_from_the_environment() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "monitoring/serving/gunicorn_conf.py",
            "--print-config",
            "ragsite.wsgi:application",
        ],
        cwd=PROJECT,
        env={
            **os.environ,
            "ENV_FILE": "/nowhere",
            "HOST": "::1",
            "PORT": "8123",
            "WEB_WORKERS": "3",
            "WEB_THREADS": "117",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    values = {name.strip(): value.strip() for name, value in found.items()}
    assert values["bind"] == "['[::1]:8123']"
    assert (values["workers"], values["threads"]) == ("3", "117")


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    made: dict[str, object] = {"default": object()}
    monkeypatch.setattr(DatabaseWrapper, "_connection_pools", made)
    return made


def test_it_refuses_to_fork_with_an_open_pool_and_forgets_one_that_came_along(
    gunicorn_conf: ModuleType, pools: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 1)  # other tests' threads are none of its own
    with pytest.raises(RuntimeError, match="before the workers were forked"):
        gunicorn_conf.pre_fork(None, None)
    gunicorn_conf.post_fork(None, None)
    assert pools == {}
    gunicorn_conf.pre_fork(SimpleNamespace(WORKERS={}), SimpleNamespace())


@pytest.fixture
def handler() -> Iterator[list[int]]:
    """A worker's own handler of SIGTERM, which notes its calls."""
    called: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))
    yield called
    signal.signal(signal.SIGTERM, before)


def test_a_worker_that_is_told_to_stop_tells_its_streams(
    gunicorn_conf: ModuleType, handler: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(pool_report, "report_pool_soon", lambda: opened.append("pool"))
    monkeypatch.setattr(word_lists, "read_word_lists_soon", lambda: opened.append("words"))
    monkeypatch.setattr(shutdown, "_begun", False)
    gunicorn_conf.post_worker_init(None)
    assert opened == ["pool", "words"]
    assert not shutdown.has_begun()
    os.kill(os.getpid(), signal.SIGTERM)
    assert shutdown.has_begun()
    assert handler == [signal.SIGTERM]


def test_an_interrupted_worker_tells_its_streams(gunicorn_conf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_begun", False)
    gunicorn_conf.worker_int(None)
    assert shutdown.has_begun()


def test_a_dead_worker_is_not_waited_for(gunicorn_conf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_worker, "tally", web_worker.Tally())
    web_worker.tally.write(3, 0)
    gunicorn_conf.child_exit(None, SimpleNamespace(pid=4711, slot=3))
    assert web_worker.tally.others(None) == []


def test_the_gauges_of_a_dead_worker_go(
    gunicorn_conf: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gauge_livesum_4711.db"
    file.touch()
    gunicorn_conf.child_exit(None, SimpleNamespace(pid=4711, slot=None))
    assert file.exists()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    gunicorn_conf.child_exit(None, SimpleNamespace(pid=4711, slot=None))
    assert not file.exists()


def test_a_web_process_loads_nothing_that_opens_documents() -> None:
    program = "import sys, ragsite.wsgi; print({'pypdfium2', 'PIL', 'lxml', 'wordllama'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
