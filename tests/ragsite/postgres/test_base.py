"""The database backend: lost connections are replaced, silent servers are left, and no write is made twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from prometheus_client import REGISTRY
from psycopg_pool import PoolTimeout, TooManyRequests
from pytest_django import Settings

from ragsite.postgres.base import open_pools
from ragsite.postgres.connections import Reachability, reason_of
from ragsite.postgres.limits import bounded_transaction, patience_seconds, statements_may_take_any_time
from ragsite.postgres.losing import Silent, Unreachable, is_broken, is_lost
from ragsite.web.exception_handler import as_rag_error
from tests.timing import stays_below

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    """A client of its own, which can do to ours what an administrator can."""
    parameters = connection.get_connection_params()
    parameters = {
        name: parameters[name] for name in ("dbname", "user", "host", "port", "password") if name in parameters
    }
    with psycopg.connect(**parameters, autocommit=True) as client:
        yield client


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(pid: int, client: psycopg.Connection) -> None:
    """End a backend, and wait until it is gone."""
    client.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def end_all(client: psycopg.Connection) -> None:
    """End every backend of the test database but the client's own, as a restart does."""
    client.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_a_read_survives_the_end_of_its_connection(other: psycopg.Connection) -> None:
    Group.objects.create(name="kept")
    end(backend(), other)
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]


def test_a_write_is_not_made_twice(other: psycopg.Connection) -> None:
    end(backend(), other)
    with pytest.raises(OperationalError) as caught:
        Group.objects.create(name="a")
    assert is_lost(caught.value)
    Group.objects.create(name="b")  # and the thread goes on with another connection
    assert list(Group.objects.values_list("name", flat=True)) == ["b"]


def test_a_function_call_is_not_made_twice(other: psycopg.Connection) -> None:
    end(backend(), other)
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('x', 'y')")


def test_a_read_in_a_transaction_is_not_made_on_another_connection(other: psycopg.Connection) -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        Group.objects.create(name="lost")
        end(backend(), other)
        list(Group.objects.all())
    assert not Group.objects.exists()


def test_dead_connections_of_the_pool_are_passed_over_without_a_pause(other: psycopg.Connection) -> None:
    def seconds_of_the_next() -> float:
        held = [take_one() for _ in range(3)]
        for give_back in held:
            give_back()
        connection.close()
        end_all(other)
        started = time.monotonic()
        assert backend() > 0
        return time.monotonic() - started

    assert stays_below(0.9, seconds_of_the_next), "the pool's own check pauses a second after each"
    connection.close()


def take_one() -> Callable[[], None]:
    """Take a connection of the pool in a thread of its own; returns how to give it back."""
    taken, give_back = threading.Event(), threading.Event()

    def hold() -> None:
        backend()
        taken.set()
        give_back.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)

    def done() -> None:
        give_back.set()
        thread.join(10)

    return done


def test_a_silent_server_is_left_after_the_limit(settings: Settings) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 200
    pid = backend()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OperationalError) as caught:
            list(Group.objects.all())
        assert isinstance(caught.value.__cause__, Silent)
        assert as_rag_error(caught.value).status_code == 503
        assert not is_lost(caught.value), "that would be a second wait"
        assert is_broken(caught.value)
        assert backend() != pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_silent_server_is_left_at_the_end_of_a_transaction_too(settings: Settings) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 200
    pid = backend()
    try:
        with pytest.raises(DatabaseError), transaction.atomic():
            Group.objects.create(name="unknown")
            os.kill(pid, signal.SIGSTOP)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert backend() != pid


def test_a_slow_statement_within_its_limit_is_waited_for(settings: Settings) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 100  # ours; the test connections' own is a minute
    with bounded_transaction(5), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.3)")
    with statements_may_take_any_time(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.3)")
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert isinstance(caught.value.__cause__, Silent)


def test_the_server_ends_a_statement_before_we_do() -> None:
    with pytest.raises(OperationalError) as caught, bounded_transaction(0.2), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled)
    assert not is_broken(caught.value)


def test_commands_without_a_limit_wait_for_ever(settings: Settings) -> None:
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 0
    assert patience_seconds() is None
    settings.DATABASE_STATEMENT_TIMEOUT_MS = 5000
    assert patience_seconds() == 6.0


@pytest.mark.parametrize(
    ("cause", "lost"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CrashShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.DiskFull(), False),
        (PoolTimeout(), False),
        (TooManyRequests(), False),
        (Silent(), False),
        (Unreachable(), False),
    ],
)
def test_what_another_connection_can_help_against(cause: Exception, lost: bool) -> None:
    for kind in (OperationalError, InterfaceError):
        error = kind("x")
        error.__cause__ = cause
        assert is_lost(error) is lost
    assert not is_lost(DatabaseError("x"))


def test_while_the_server_is_down_one_caller_tries_and_the_others_do_not_wait(settings: Settings) -> None:
    settings.DATABASE_POOL_TIMEOUT_SECONDS = 2.0
    state = Reachability()
    assert state.should_wait()
    state.note_failure(psycopg.OperationalError("connection refused"))
    assert [state.should_wait() for _ in range(5)] == [True] * 5, "it may be a restart"
    time.sleep(2.05)
    assert [state.should_wait() for _ in range(5)] == [True, False, False, False, False]
    time.sleep(0.55)  # a quarter of it
    assert [state.should_wait() for _ in range(2)] == [True, False]
    state.note_success()
    assert [state.should_wait() for _ in range(2)] == [True, True]


def test_the_reason_names_neither_hosts_nor_users() -> None:
    error = psycopg.OperationalError(
        'connection to "db.secret" failed: FATAL: password authentication failed for "bob"'
    )
    assert reason_of(error) == "user or password are wrong"
    assert reason_of(psycopg.OperationalError("something new at db.secret")) == "no connection"


def test_the_pool_is_counted() -> None:
    def figure(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    connection.close()
    others = figure("database_pool_connections", state="in_use")  # of threads that tests before this one left
    backend()
    assert figure("database_pool_connections", state="in_use") == others + 1
    connection.close()
    assert figure("database_pool_connections", state="in_use") == others
    assert figure("database_pool_connections", state="free") >= 1
    assert figure("database_pool_requests_waiting") == 0
    assert open_pools()[connection.alias].get_stats()["requests_waiting"] == 0
