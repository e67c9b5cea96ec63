"""The embedded server: started by the first user, joined by the next, stopped by the last, and safe from crashes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from ragsite.paths import PROJECT
from ragsite.postgres import embedded_server

HOLD = "import sys; from pathlib import Path; from ragsite.postgres import embedded_server as e; \
print(e.start(Path(sys.argv[1])), flush=True); sys.stdin.read()"


def hold(directory: Path) -> tuple[subprocess.Popen[str], str]:
    """Return another process that uses the server, and the URL that it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


def test_two_processes_share_a_server_and_the_last_one_stops_it(directory: Path) -> None:
    first, url = hold(directory)
    second, same = hold(directory)
    try:
        assert url == same
        first.communicate()
        assert answers(url), "the second process still needs it"
    finally:
        second.communicate()
    assert not answers(url)


def test_a_killed_process_is_not_counted_and_data_outlives_the_server(directory: Path) -> None:
    first, url = hold(directory)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    second, _ = hold(directory)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    time.sleep(0.5)
    assert answers(url), "the second process still needs it"
    second.communicate()
    assert not answers(url), "the killed process must not count as a user"
    third, url = hold(directory)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert connection.execute("SHOW jit").fetchone() == ("off",)
    third.communicate()


def processes_of(directory: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(directory) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_nothing_is_left_when_the_last_user_is_killed(directory: Path) -> None:
    process, url = hold(directory)
    assert answers(url)
    process.kill()
    process.communicate()
    assert eventually(lambda: not processes_of(directory)), processes_of(directory)
    again, url = hold(directory)
    assert answers(url), "and it can be started again"
    again.communicate()
    assert eventually(lambda: not processes_of(directory)), processes_of(directory)


def test_a_server_that_is_killed_is_started_again_at_the_same_address(directory: Path) -> None:
    url = embedded_server.start(directory)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            assert not embedded_server.keep_running(directory)
            os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

            def is_back() -> bool:
                embedded_server.keep_running(directory)
                return answers(url)

            assert eventually(is_back)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert not embedded_server.keep_running(directory)
    finally:
        embedded_server.stop(directory)
    assert not answers(url)
    assert eventually(lambda: not processes_of(directory)), processes_of(directory)


def test_a_server_that_this_process_does_not_hold_is_left_alone(directory: Path) -> None:
    assert not embedded_server.keep_running(directory)


@pytest.mark.parametrize("immediately", [False, True])
def test_a_restarted_server_has_the_same_address_and_is_stopped_in_the_end(directory: Path, immediately: bool) -> None:
    url = embedded_server.start(directory)
    try:
        with psycopg.connect(url) as connection:
            embedded_server.restart(directory, immediately=immediately)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert answers(url)
    finally:
        embedded_server.stop(directory)
    assert not answers(url)


def test_a_configured_server_is_used_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    embedded_server.ensure_running()
    assert os.environ["DATABASE_URL"] == "postgresql://elsewhere/db"


def test_its_data_is_where_the_operator_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    assert embedded_server.data_directory() == tmp_path / "postgres"
    monkeypatch.delenv("VAR_DIR")
    assert embedded_server.data_directory() == PROJECT / "var" / "postgres"
