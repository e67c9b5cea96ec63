"""What a start could only fail on is told before, in a sentence; what comes by itself is waited for."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from monitoring.health import postgres_trial, start_checks
from monitoring.health.postgres_trial import Trial, _lacking, try_postgres, wait_for_postgres
from monitoring.health.start_checks import check_database, check_folders, check_static_files, start_problems
from monitoring.lab.testbed.web_process import free_port
from monitoring.serving import first_start
from ragsite.postgres.thread_connection import connection_parameters
from tests.factories import make_user


def ids(messages: list[Any]) -> list[str | None]:
    return [message.id for message in messages]


def test_folders_that_can_be_made_are_all_right(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "not" / "yet"
    assert check_folders(None) == []
    assert list(tmp_path.iterdir()) == [], "a check leaves nothing behind"


@pytest.mark.parametrize("name", ["VAR_DIR", "MEDIA_ROOT"])
def test_a_folder_that_can_not_be_written_is_named(settings: Settings, name: str) -> None:
    setattr(settings, name, Path("/proc/ragsite"))
    (message,) = check_folders(None)
    assert message.id == "ragsite.E010"
    assert message.msg.startswith(f"{name} is '/proc/ragsite'")
    assert message.hint


def test_a_full_disk_stops_no_command_that_could_clear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert check_folders(None) == []


def test_missing_static_files_are_an_error_that_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_static_files(None) == []
    monkeypatch.setattr(start_checks, "static_files_problem", lambda: "Missing; run `manage.py prepare`.")
    assert ids(check_static_files(None)) == ["ragsite.E011"]


@pytest.mark.django_db
def test_what_is_missing_in_the_database_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    (nobody,) = check_database(None)
    assert nobody.id == "ragsite.W007"
    assert not nobody.is_serious()
    assert "manage.py prepare" in (nobody.hint or "")
    make_user(is_superuser=True)
    assert check_database(None) == []
    monkeypatch.setattr(start_checks, "schema_is_complete", lambda: False)
    (schema,) = check_database(None)
    assert schema.id == "ragsite.E014"
    assert schema.is_serious()
    assert "manage.py prepare" in (schema.hint or "")


@pytest.mark.django_db
def test_a_start_is_refused_with_the_arithmetic_of_its_connections() -> None:
    assert start_problems(web_processes=2, ingestion_workers=1) == []
    (problem,) = start_problems(web_processes=60, ingestion_workers=1)
    assert "60 web processes x 5 database connections" in problem
    assert "Set DATABASE_POOL_SIZE" in problem


@pytest.mark.django_db
def test_a_start_waits_for_a_postgres_that_is_not_up_and_refuses_one_that_never_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_checks, "try_postgres", lambda: Trial("not up", is_final=False))
    assert start_problems() == []
    assert ids(check_database(None)) == ["ragsite.E012"], "the check tells it all the same"
    monkeypatch.setattr(start_checks, "try_postgres", lambda: Trial("wrong password", is_final=True))
    assert start_problems() == ["wrong password"]


def test_a_start_is_refused_for_settings_that_can_not_work_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_checks, "try_postgres", lambda: Trial("not up"))
    settings.WEB_THREADS = settings.MAX_OPEN_STREAMS = 10
    (problem,) = start_problems()
    assert problem.startswith("WEB_THREADS is not above MAX_OPEN_STREAMS")
    assert problem.endswith("Set WEB_THREADS to MAX_OPEN_STREAMS + 16 or more.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words", "is_final"),
    [
        ({}, "", False),
        ({"dbname": "nowhere"}, "there is no such database or user", True),
        ({"user": "nobody"}, "user or password are wrong", True),
        ({"sslmode": "nonsense"}, "an option of the address is wrong", True),
        ({"host": "127.0.0.1", "port": "refused"}, "connection refused", False),
        ({"host": "no-such-host.invalid"}, "its host name is unknown", False),
    ],
)
def test_why_postgres_can_not_be_used(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], words: str, is_final: bool
) -> None:
    port = {"port": str(free_port())} if changes.get("port") else {}
    parameters = {**connection_parameters(), **changes, **port}
    monkeypatch.setattr("ragsite.postgres.thread_connection.connection_parameters", lambda: parameters)
    trial = try_postgres()
    assert words in trial.problem
    assert bool(trial.problem) == bool(words)
    assert trial.is_final == is_final


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((180_000, "0.8.5", "0.8.5"), ""),
        ((150_013, None, "0.8.4"), ""),  # the first migration makes it
        ((150_013, None, None), "has no pgvector"),
        ((150_013, None, "0.7.4"), "pgvector 0.7.4 of this Postgres is too old, 0.8.4 or newer is needed: upgrade it"),
        ((150_013, "0.8.0", "0.8.5"), "ALTER EXTENSION vector UPDATE"),
        ((130_022, "0.8.5", "0.8.5"), "Postgres 13 is too old: 14 or newer is needed"),
    ],
)
def test_what_a_postgres_lacks(facts: tuple[int, str | None, str | None], words: str) -> None:
    found = _lacking(*facts)
    assert words in found
    assert bool(found) == bool(words)


def test_a_postgres_that_is_not_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = iter([Trial("refused"), Trial("refused"), Trial()])
    monkeypatch.setattr(postgres_trial, "try_postgres", lambda: next(trials))
    monkeypatch.setattr(postgres_trial, "LOOK_EVERY_SECONDS", 0.01)
    told: list[str] = []
    assert wait_for_postgres(60, told.append) == Trial()
    assert len(told) == 1
    assert told[0].startswith("refused Waiting for up to")


def test_it_is_not_waited_for_for_ever_and_not_where_it_is_useless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_trial, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(postgres_trial, "try_postgres", lambda: Trial("refused"))
    assert wait_for_postgres(0.05, lambda words: None).problem == "refused"
    final = Trial("wrong password", is_final=True)
    monkeypatch.setattr(postgres_trial, "try_postgres", lambda: final)
    assert wait_for_postgres(600, lambda words: None) == final


@pytest.mark.django_db
def test_migrating_without_pgvector_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_checks, "try_postgres", lambda: Trial("This Postgres has no pgvector.", is_final=True))
    with pytest.raises(SystemCheckError, match="This Postgres has no pgvector"):
        call_command("check", databases=["default"])
    call_command("check")  # asks no database


def test_static_files_are_made_again_where_there_was_no_manifest_of_them(settings: Settings) -> None:
    before = first_start.state_of_static_files()
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "another"}}
    assert first_start.state_of_static_files() != before
