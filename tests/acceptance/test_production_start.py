"""The documented start with servers of one's own: the commands are read from docs/operations.md, and followed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import requests

from ragsite.paths import PROJECT
from tests.acceptance.test_serve import free_port, processes_of

TOKEN = "that-of-prometheus-0123456789"
HOSTS = ("ask.example.org", "10.0.0.7")  # as documented
QUESTION = {"query": "How many days of leave does everybody have?", "corpora": ["handbook"]}
PASSWORD = re.compile(r"Administrator: admin, password: (\S{12,})")
OURS = ("DATABASE_", "OLLAMA_", "REDIS_", "SECRET_", "ADMIN_", "PROMETHEUS_", "RAG", "METRICS_")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("production")]


@dataclass(frozen=True)
class Machine:
    """Where the documented commands are typed."""

    folder: Path
    environment: dict[str, str]

    @property
    def port(self) -> str:
        return self.environment["PORT"]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        arguments, environment = self.typed(command)
        return subprocess.run(
            arguments, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    def typed(self, command: str) -> tuple[list[str], dict[str, str]]:
        """Return arguments and environment of a command as a shell in the project's virtual environment reads it."""
        words = shlex.split(command)
        environment = dict(self.environment)
        while re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        if words[0] == "manage.py":
            return [sys.executable, *words], environment
        return [str(Path(sys.executable).parent / words[0]), *words[1:]], environment


def documented(heading: str) -> list[list[str]]:
    """Return the commands of each code block below a heading of docs/operations.md."""
    text = (PROJECT / "docs" / "operations.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    return [re.findall(r"^\$ (.+)$", block, re.M) for block in re.findall(r"```\n(.*?)```", section, re.S)]


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """An empty database on the tests' Postgres."""
    given = os.environ["DATABASE_URL"]
    name = f"production_{os.environ['RAGSITE_TEST_DB']}_{os.getpid()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield str(urlunsplit(urlsplit(given)._replace(path=f"/{name}")))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="module")
def machine(postgres_url: str) -> Iterator[Machine]:
    """A machine whose operator has followed the first block, up to the start, and ingested a document."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    folder = Path(tempfile.mkdtemp(prefix="ragsite-production-"))
    made = Machine(
        folder,
        {
            **kept,
            "VAR_DIR": str(folder / "var"),
            "ENV_FILE": str(folder / "none"),
            "PORT": str(free_port()),
            "DATABASE_URL": postgres_url,
            "ALLOWED_HOSTS": ",".join(HOSTS),
            "METRICS_TOKEN": TOKEN,
        },
    )
    yield made
    for process in processes_of(folder):  # a failed test must not leave a server behind
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(machine: Machine, *commands: str) -> Iterator[Path]:
    """Run commands that serve until the block ends; yield their output."""
    output = machine.folder / f"output-{time.monotonic_ns()}"
    started = []
    with output.open("wb") as log:
        for command in commands:
            arguments, environment = machine.typed(command)
            started.append(subprocess.Popen(arguments, cwd=PROJECT, env=environment, stdout=log, stderr=log))
    try:
        give_up_at = time.monotonic() + 100
        while not is_ready(machine):
            assert time.monotonic() < give_up_at, output.read_text()[-3000:]
            assert all(process.poll() is None for process in started), output.read_text()[-3000:]
            time.sleep(0.2)
        yield output
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(60)


def is_ready(machine: Machine) -> bool:
    try:
        return get(machine, "/health/ready").status_code == 200
    except requests.RequestException:
        return False


def get(machine: Machine, path: str, host: str = HOSTS[0], **options: object) -> requests.Response:
    """Return the reply on a connection of its own, so that any worker may take it."""
    url = f"http://127.0.0.1:{machine.port}{path}"
    headers = {"Host": host, "Connection": "close"}
    if path.startswith(("/metrics", "/monitoring/")):
        headers["Authorization"] = f"Bearer {TOKEN}"
    return requests.get(url, headers=headers, timeout=30, **options)  # type: ignore[arg-type]


def ask(machine: Machine, host: str = HOSTS[0], **options: object) -> requests.Response:
    url = f"http://127.0.0.1:{machine.port}/api/v1/query"
    headers = {"Host": host, "Connection": "close"}
    return requests.post(url, json={**QUESTION, **options}, headers=headers, timeout=60)


def figure(machine: Machine, name: str) -> float:
    """Return the sum of a metric over its labels."""
    return sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*?}})? (\S+)$", get(machine, "/metrics").text, re.M)
    )


def follow(machine: Machine) -> None:
    """Look at all that a first day looks at."""
    for host in HOSTS:
        page = get(machine, "/", host)
        assert page.status_code == 200, page.text[:500]
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            assert get(machine, path, host).status_code == 200, path
        login = get(machine, "/admin/login/", host)
        assert login.status_code == 200
        assert 'name="password"' in login.text
    wrong = get(machine, "/", "other.example")
    assert wrong.status_code == 400
    assert "ALLOWED_HOSTS" in wrong.text
    before = figure(machine, "queries_total")
    answer = ask(machine).json()
    assert "thirty days" in answer["answer"], answer
    assert answer["citations"]
    stream = ask(machine, stream=True, use_cache=False).text
    events = re.findall(r"^event: (\w+)$", stream, re.M)
    assert events[-1] == "done", stream[-500:]
    assert "thirty days" in json.loads(stream.rpartition("data: ")[2])["answer"]
    pids: set[int] = set()
    give_up_at = time.monotonic() + 60
    while len(pids) < 2 and time.monotonic() < give_up_at:
        pids.add(get(machine, "/monitoring/performance-metrics").json()["process_id"])
    assert len(pids) == 2, "two workers answer"
    assert {figure(machine, "queries_total") - before for _ in range(8)} == {2}, "whichever worker is asked"


def prepared_by_two_hosts(machine: Machine, command: str) -> list[str]:
    """Run a command on this machine and on another one at the same time; return what both wrote."""
    arguments, environment = machine.typed(command)
    hosts = [
        subprocess.Popen(
            arguments,
            cwd=PROJECT,
            env={**environment, "VAR_DIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in (environment["VAR_DIR"], str(machine.folder / "another"))
    ]
    told = [host.communicate(timeout=200) for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], told
    return [output for output, _ in told]


def test_the_documented_preparation_and_start(machine: Machine) -> None:
    prepared, by_hand = documented("Start with servers of your own")
    exports = [command for command in prepared if command.startswith("export ")]
    assert {command.split()[1].partition("=")[0] for command in exports} == {"DATABASE_URL", "ALLOWED_HOSTS"}
    assert f"export ALLOWED_HOSTS={','.join(HOSTS)}" in exports

    lacking = machine.run("manage.py check --deploy")
    assert lacking.returncode == 1
    for words in ("lacks tables", "static files of the pages are missing", "`manage.py prepare`"):
        assert words in lacking.stderr

    *first, serve = [command for command in prepared if command not in exports]
    assert first == ["manage.py prepare", "manage.py check --deploy"]
    passwords = [
        password for output in prepared_by_two_hosts(machine, first[0]) for password in PASSWORD.findall(output)
    ]
    assert len(passwords) == 1, "one of them made the administrator"
    checked = machine.run(first[1])
    assert checked.returncode == 0, checked.stderr

    (machine.folder / "leave.md").write_text("# Leave\n\nEverybody has thirty days of paid leave a year.\n")
    ingested = machine.run(f"manage.py ingest handbook --create --public {machine.folder / 'leave.md'}")
    assert ingested.returncode == 0, ingested.stderr

    with running(machine, serve):
        follow(machine)
    assert [each for each in processes_of(machine.folder) if "manage.py" in " ".join(each.cmdline())] == []

    gunicorn, work = by_hand
    assert "gunicorn" in gunicorn
    with running(machine, gunicorn, work) as output:
        follow(machine)
        lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert {"gunicorn.error", "monitoring.performance.pool_report"} <= {line["logger"] for line in lines}, (
        "its lines, too, are JSON"
    )
