"""`manage.py prepare` does what is missing, and says in a sentence what it can't do."""

from __future__ import annotations

import io
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from documents.models import Corpus
from monitoring.health.postgres_trial import Trial
from monitoring.serving import first_start
from monitoring.serving.first_start import create_administrator
from ragsite.postgres.one_at_a_time import PREPARATION_LOCK, preparation_lock
from ragsite.postgres.thread_connection import separate_connection
from tests.factories import make_user


@pytest.fixture(autouse=True)
def nothing_to_collect(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    (tmp_path / ".stamp").write_text(first_start.state_of_static_files())


def prepare(**options: object) -> str:
    output = io.StringIO()
    call_command("prepare", stdout=output, **options)
    return output.getvalue()


@pytest.mark.django_db
def test_the_first_administrator_is_made_once(settings: Settings) -> None:
    first = prepare()
    assert "Administrator: admin, password: " in first
    password = first.split("password: ")[1].split(" ")[0]
    assert User.objects.get().check_password(password)
    assert "password" not in prepare()
    assert not Corpus.objects.exists(), "a demo is for those who ask for it"


@pytest.mark.django_db
def test_a_password_that_was_given_is_not_shown(settings: Settings) -> None:
    settings.ADMIN_USERNAME, settings.ADMIN_PASSWORD = "root@example.org", "correct horse battery"
    assert "correct horse" not in prepare()
    assert User.objects.get(username="root@example.org", is_superuser=True).check_password("correct horse battery")


@pytest.mark.django_db
def test_a_user_of_that_name_is_not_made_an_administrator_by_the_way() -> None:
    make_user(username="admin")
    with pytest.raises(CommandError, match="ADMIN_USERNAME"):
        prepare()
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.django_db
def test_an_administrator_who_may_not_sign_in_is_none() -> None:
    make_user(username="gone", is_superuser=True, is_active=False)
    assert create_administrator()


@pytest.mark.django_db
def test_what_postgres_lacks_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial("This Postgres has no pgvector.", is_final=True)
    monkeypatch.setattr(first_start, "wait_for_postgres", lambda seconds, tell: trial)
    with pytest.raises(CommandError, match="This Postgres has no pgvector"):
        prepare()


@pytest.mark.django_db
def test_what_postgres_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise psycopg.errors.InsufficientPrivilege("permission denied to create extension\nHINT: more")

    monkeypatch.setattr(first_start, "call_command", refuse)
    with pytest.raises(CommandError, match=r"^Postgres refused: permission denied to create extension\.$"):
        prepare()


@pytest.mark.django_db
def test_a_folder_that_can_not_be_written_is_a_sentence(settings: Settings) -> None:
    settings.STATIC_ROOT = Path("/proc/ragsite")
    with pytest.raises(CommandError, match="VAR_DIR: /proc/ragsite can't be written"):
        prepare()


@pytest.mark.django_db
def test_only_one_process_prepares_at_a_time() -> None:
    waited: list[bool] = []
    with separate_connection() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [PREPARATION_LOCK])

        def free() -> None:
            waited.append(True)
            other.execute("SELECT pg_advisory_unlock(%s)", [PREPARATION_LOCK])

        with preparation_lock(free):
            assert waited == [True]
            assert other.execute("SELECT pg_try_advisory_lock(%s)", [PREPARATION_LOCK]).fetchone() == (False,)
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [PREPARATION_LOCK]).fetchone() == (True,)
