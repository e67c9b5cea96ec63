"""System checks of this machine and its Postgres, before ragsite starts.

`check --deploy` reports everything. `start_problems` has those that refuse a start. Problems that end by themselves (a
Postgres that isn't up yet, a schema that another host is preparing) are only reported, and readiness waits for them.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from monitoring.health.postgres_trial import try_postgres
from monitoring.health.services import has_administrator, schema_is_complete
from monitoring.health.system_checks import check_settings
from monitoring.tuning.connection_budget import connection_budget
from ragsite.postgres.thread_connection import release_connection
from ragsite.web.static_files import static_files_problem

PREPARE = "Run `manage.py prepare`."


@register(Tags.files)
def check_folders(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return the folders that can't be written to. A full disk is no error: it can be cleared while ragsite runs."""
    found: list[CheckMessage] = []
    for name in ("VAR_DIR", "MEDIA_ROOT"):
        folder = Path(getattr(settings, name))
        try:
            with tempfile.TemporaryFile(dir=_nearest(folder)):
                pass
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                found.append(
                    Error(
                        f"{name} is {str(folder)!r}, where ragsite can't write ({exc.strerror}).",
                        hint="Name a folder that it may write to, or give it the right to.",
                        id="ragsite.E010",
                    )
                )
    return found


@register(Tags.files, deploy=True)
def check_static_files(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return whether the pages have their style sheets and scripts."""
    problem = static_files_problem()
    return [Error(problem, id="ragsite.E011")] if problem else []


@register(Tags.database)
def check_pgvector(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return what the server lacks, before `migrate` fails on it."""
    if not databases:
        return []  # Django asks for databases only where a command is about to use them
    trial = try_postgres()
    return [Error(trial.problem, id="ragsite.E012")] if trial.problem else []


@register(Tags.database, deploy=True)
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return whether Postgres can be used, has the tables, connections for all processes, and an administrator."""
    trial = try_postgres()
    if trial.problem:
        return [Error(trial.problem, id="ragsite.E012")]
    try:
        return [*_check_connections(), *_check_contents()]
    except DatabaseError as exc:
        return [Error(f"Postgres failed while it was looked at: {type(exc).__name__}.", id="ragsite.E012")]
    finally:
        release_connection()


def start_problems(*, web_processes: int | None = None, ingestion_workers: int | None = None) -> list[str]:
    """Return, each in a sentence, what a start could only fail on."""
    messages = [*check_settings(None), *check_folders(None), *check_static_files(None)]
    problems = [f"{message.msg} {message.hint or ''}".strip() for message in messages if message.is_serious()]
    trial = try_postgres()
    if trial.problem:
        return [*problems, trial.problem] if trial.is_final else problems
    try:
        budget = connection_budget(web_processes=web_processes, ingestion_workers=ingestion_workers)
        if not budget.is_met:
            problems.append(f"{budget.words()}. {budget.advice()}")
    except DatabaseError:
        pass  # it went away in this moment; readiness tells
    finally:
        release_connection()
    return problems


def _check_connections() -> list[CheckMessage]:
    budget = connection_budget()
    return [] if budget.is_met else [Error(f"{budget.words()}.", hint=budget.advice(), id="ragsite.E013")]


def _check_contents() -> list[CheckMessage]:
    if not schema_is_complete():
        return [Error("The database lacks tables or columns of this version.", hint=PREPARE, id="ragsite.E014")]
    if not has_administrator():
        return [
            Warning("There is no administrator, so nobody can sign in to manage it.", hint=PREPARE, id="ragsite.W007")
        ]
    return []


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists: there it would be made."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
