"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from querying import cache_entries, claims, question_vectors, storing_later
from querying.hit_rate import forget_counts
from querying.memory_cache import memory
from querying.retrieval_cache import search_memory
from ragsite import ollama

# How long an example takes says something of the machine: a busy one stands still for longer than the 200 ms that
# Hypothesis allows, at any of the thousands of examples.
hypothesis_settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    """Give the test database a name of its own, so that two test runs on one machine don't meet."""
    test = django_settings.DATABASES["default"].setdefault("TEST", {})
    test["NAME"] = f"test_{os.environ['RAGSITE_TEST_DB']}"


@pytest.fixture(autouse=True)
def files_go_to_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    """No test touches the uploads of a running server."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def nobody_watches_circuits_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that a process starts with its first client would write to the database of whatever test runs."""
    monkeypatch.setattr(ollama, "_callbacks", [])


@pytest.fixture(autouse=True)
def the_client_ends_with_its_test() -> Iterator[None]:
    """A thread that looks after a server which is gone would do so through all the tests that follow."""
    yield
    client = ollama._current.client
    ollama._current.forget()
    if client is not None:
        client.close()


@pytest.fixture(autouse=True)
def passwords_are_cheap(settings: Settings) -> None:
    """A test makes users by the dozen; the real hash takes half a second each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def jobs_end_with_their_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """No job outlives a test that commits: Django's flush doesn't know the queue's tables."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE")


@pytest.fixture(autouse=True)
def nothing_is_cached(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing outlives its test in memory, nor waits to be stored; what is in the database goes with it.

    The thread that stores in the background would write to the database of whatever test runs: `store_now` does it.
    """
    monkeypatch.setattr(storing_later, "begin", lambda: None)
    forget_all_caches()
    yield
    forget_all_caches()


def forget_all_caches() -> None:
    """Forget what this process has in memory."""
    memory().clear()
    search_memory().clear()
    question_vectors.forget_all()
    cache_entries.forget_waiting()
    claims.forget_all()
    forget_counts()
