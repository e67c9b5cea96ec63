"""Wrong settings are refused, each with a sentence; services that aren't up yet are waited for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings

from monitoring.lab.testbed.invariants import Invariant, at_least, at_most, holds, none_of
from monitoring.lab.testbed.observer import wait_for
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.stage import Stage
from monitoring.lab.testbed.web_process import free_port
from monitoring.serving import web_server
from ragsite.postgres import embedded_server
from ragsite.settings import env as declared

WITHIN_SECONDS = 120  # of a machine that is busy with other things
LINES_MAX = 60  # of what a refused start writes, with all warnings of `check --deploy`
AT_ONCE = 2
VALUES = 600
READY_SECONDS = 15.0
MANAGE = (sys.executable, "manage.py")
CHECK, CHECK_ALL, SERVE = (*MANAGE, "check"), (*MANAGE, "check", "--deploy"), (*MANAGE, "serve")
GUNICORN = tuple(web_server.command())
STARTS = (SERVE, GUNICORN)


@dataclass(frozen=True)
class Case:
    """Settings that don't go together, or not with what there is; and words of the sentences that say so."""

    what: str
    words: Sequence[str]
    changes: Mapping[str, str]
    commands: Sequence[Sequence[str]]


TOGETHER = Case(
    "seven pairs and folders that can't be",
    (
        "OLLAMA_BASE_URL has an address that can't be used",
        "CHUNK_OVERLAP_CHARS is not below CHUNK_SIZE_CHARS",
        "DEADLINE_SECONDS is above DEADLINE_MAX_SECONDS",
        "WEB_THREADS is not above MAX_OPEN_STREAMS",
        "RETRIEVAL_TOP_K is above RETRIEVAL_TOP_K_MAX",
        "MEDIA_ROOT is '/proc/ragsite'",
        "VAR_DIR is '/proc/ragsite'",
    ),
    {
        "OLLAMA_BASE_URL": "ftp://model",
        "CHUNK_OVERLAP_CHARS": "800",
        "DEADLINE_SECONDS": "500",
        "WEB_THREADS": "100",
        "RETRIEVAL_TOP_K": "200",
        "MEDIA_ROOT": "/proc/ragsite",
        "VAR_DIR": "/proc/ragsite",
    },
    (CHECK, *STARTS),
)
TOO_MANY = Case(
    "more connections than there are",
    ("2 web processes x 60 database connections + 1 ingestion workers x (60 + 4) + 5 for commands = 189, but",),
    {"DATABASE_POOL_SIZE": "60"},
    (CHECK_ALL, *STARTS),
)


def bad_settings(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Give every setting each kind of nonsense, name databases that won't do, and start before Postgres."""
    yield from _nonsense(stage)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cases = (TOGETHER, TOO_MANY, *_databases(stage))
        tried = [(case, command) for case in cases for command in case.commands]
        yield from pool.map(lambda each: _refused(stage, *each), tried)
    yield from _postgres_comes_later(stage)


def _nonsense(stage: Stage) -> Iterator[Invariant]:
    """Each round gives every setting its next value that can't be, all at once: each has a sentence of its own."""
    wrong = {name: setting.kind.wrong for name, setting in declared.table.items()}
    rounds = max(map(len, wrong.values()))
    changes = [
        {name: values[number] for name, values in wrong.items() if len(values) > number} for number in range(rounds)
    ]
    # Each command refuses in the same place, so the starts take turns.
    tried = [
        (each, command) for number, each in enumerate(changes) for command in (CHECK, STARTS[number % len(STARTS)])
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda each: _run(stage, each[1], each[0]), tried))
    untold = [
        name
        for (each, _), (_, output) in zip(tried, runs, strict=True)
        for name in sorted(set(each) - {line.split(" ")[0] for line in output.splitlines()})
    ]
    codes = {code for code, _ in runs}
    yield at_least("values tried that can't be", sum(len(each) for each, _ in tried), VALUES)
    yield none_of("... without a sentence that names the variable", untold)
    yield none_of("... with a traceback", sum("Traceback" in output for _, output in runs))
    yield holds("... exit code", codes == {1}, ", ".join(map(str, codes)), "1")


def _databases(stage: Stage) -> Iterator[Case]:
    """Yield databases that can be reached, and never will do."""
    url = stage.environment["DATABASE_URL"]
    parts = urlsplit(url)
    unknown = ("there is no such database or user: correct DATABASE_URL",)
    nowhere = {"DATABASE_URL": str(urlunsplit(parts._replace(path="/nowhere")))}
    yield Case("a database that isn't there", unknown, nowhere, (CHECK_ALL, *STARTS))
    stranger = parts._replace(netloc=f"stranger:@{parts.hostname or ''}")
    yield Case(
        "a user that isn't there",
        ("user or password are wrong: correct DATABASE_URL",),
        {"DATABASE_URL": str(urlunsplit(stranger))},
        (SERVE,),
    )
    owners_url = embedded_server.start(stage.postgres_directory, as_owner=True)
    with psycopg.connect(owners_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE without_pgvector TEMPLATE template0")  # the other one has pgvector
        connection.execute("ALTER DATABASE without_pgvector SET extension_control_path = '/nowhere'")
    without = {"DATABASE_URL": str(urlunsplit(parts._replace(path="/without_pgvector")))}
    commands = (CHECK_ALL, *STARTS, (*MANAGE, "prepare"), (*MANAGE, "migrate"))
    yield Case("a Postgres without pgvector", ("This Postgres has no pgvector",), without, commands)


def _refused(stage: Stage, case: Case, command: Sequence[str]) -> Invariant:
    code, output = _run(stage, command, case.changes)
    lines = output.strip().splitlines()
    good = (
        code == 1
        and all(any(words in line for line in lines) for words in case.words)
        and "Traceback" not in output
        and len(lines) <= LINES_MAX
    )
    name = "gunicorn" if command == GUNICORN else " ".join(command[1:])
    return holds(
        f"{name} refuses {case.what}",
        good,
        f"exit code {code}" if good else f"exit code {code}: {output.strip()[-300:]}",
    )


def _postgres_comes_later(stage: Stage) -> Iterator[Invariant]:
    """Start while Postgres is down: alive, not ready, and ready once it is up."""
    embedded_server.stop(stage.postgres_directory)
    try:
        with ServerProcess(stage.folder, {**stage.environment, "RAGSITE_START_CHECKED": "false"}) as server:
            status, body = server.get("/health/ready")
            yield holds("alive without Postgres", server.get("/health/live")[0] == 200)
            yield holds("not ready, with the reason", status == 503 and b"Postgres can't be used" in body)
            embedded_server.start(stage.postgres_directory)
            ready = wait_for(lambda: server.get("/health/ready")[0] == 200, READY_SECONDS)
            yield at_most("ready after Postgres is up", ready, READY_SECONDS, "s")
    finally:
        embedded_server.start(stage.postgres_directory)


def _run(stage: Stage, command: Sequence[str], changes: Mapping[str, str]) -> tuple[int | None, str]:
    """Return exit code and output; None: it was not refused, but ran on."""
    environment = {"PORT": str(free_port()), **stage.environment, **changes}
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=WITHIN_SECONDS)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        process.terminate()
        output, _ = process.communicate()
        return None, output
