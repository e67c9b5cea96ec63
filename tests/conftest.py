"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings

from querying.cachestore import background_writer
from ragsite import ollama
from ragsite.process_memory import reset
from tests import emptying
from tests.examples import PROFILE

# How long an example takes says something of the machine: a busy one stands still for longer than the 200 ms that
# Hypothesis allows, at any of the thousands of examples.
for name, max_examples in {"suite": 50, "thorough": 1000}.items():
    hypothesis_settings.register_profile(
        name, max_examples=max_examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
hypothesis_settings.load_profile(PROFILE)


# Names in a module of tests that start a browser, a server or another process.
STARTS_PROCESSES = {"subprocess", "multiprocessing", "running_server", "start_command", "run_worker", "own_postgres"}
STARTS_PROCESSES |= {"StandInProcess", "Bench", "Stage", "Browser", "browser", "chromium", "redis_server"}
STARTS_PROCESSES |= {"run_inside", "read_in_child", "needs_tesseract"}
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    """Give the test database a name of its own, so that two test runs on one machine don't meet; empty it quickly."""
    test = django_settings.DATABASES["default"].setdefault("TEST", {})
    test["NAME"] = f"test_{os.environ['RAGSITE_TEST_DB']}"
    TransactionTestCase._fixture_teardown = emptying.after_test  # type: ignore[attr-defined] # Django has it


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what `make test-fast` leaves out. One worker has the browser: each would start its own."""
    assert isinstance(item, pytest.Function)
    if not STARTS_PROCESSES.isdisjoint(vars(item.module)):
        item.add_marker("process")
    if item.get_closest_marker("django_db") or not DATABASE_FIXTURES.isdisjoint(item.fixturenames):
        item.add_marker("database")
    if item.get_closest_marker("browser"):
        item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(trylast=True)  # pytest-django has put tests of the database first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is slow, so that no worker waits for another one at the end.

    Slow tests of the database keep their place: those that commit run after those that don't.
    """
    items.sort(key=lambda item: "slow" not in item.keywords or "database" in item.keywords)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """End sessions that threads of tests left open before the database is dropped: Postgres refuses that otherwise."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def files_go_to_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    """No test touches the uploads of a running server."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def nobody_watches_circuits_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that a process starts with its first client would write to the database of whatever test runs."""
    monkeypatch.setattr(ollama, "_callbacks", [])


@pytest.fixture(autouse=True)
def passwords_are_cheap(settings: Settings) -> None:
    """A test makes users by the dozen; the real hash takes half a second each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def nothing_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing outlives its test in memory, nor waits to be stored; what is in the database goes with it.

    The thread that stores in the background would write to the database of whatever test runs: `store_now` does it. So
    would one that looks after a server which is gone.
    """
    monkeypatch.setattr(background_writer, "begin", lambda: None)
    reset()
    yield
    reset()
