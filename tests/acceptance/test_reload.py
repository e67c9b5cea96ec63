"""New code and settings without a refused request: gunicorn's second master beside the first one."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import requests

from tests.server import Server, running_server

QUESTION = "How many days of leave are there in the first year?"
CLIENTS = 3
PATIENCE_SECONDS = 150.0  # of a machine that is busy with other tests


class Load:
    """Clients that ask again and again, each time on a new connection, until they are told to stop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.outcomes: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[str]:
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        return self.outcomes

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                outcome = str(requests.get(f"{self.url}/health/live", timeout=20).status_code)
            except requests.RequestException as error:
                outcome = type(error).__name__
            self.outcomes[outcome] += 1
            time.sleep(0.02)


def status_of_question(server: Server) -> int:
    return requests.post(f"{server.url}/api/v1/search", json={"query": QUESTION}, timeout=20).status_code


def eventually_stops(process: psutil.Process, seconds: float = PATIENCE_SECONDS) -> bool:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def second_master(server: Server) -> psutil.Process:
    """Return the master that the first one has started, once it has workers of its own."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        for child in psutil.Process(server.process.pid).children():
            if child.children() and server.log.read_text().count("Booting worker") >= 2:
                return child
        time.sleep(0.1)
    for child in psutil.Process(server.process.pid).children():  # a second master would outlive the first
        child.kill()
    raise AssertionError(server.log.read_text())


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.django_db(transaction=True)
def test_a_second_master_takes_over_with_new_settings_and_nobody_is_refused(tmp_path: Path) -> None:
    env_file = tmp_path / "settings.env"
    env_file.write_text("QUESTION_MAX_CHARS=500\n")
    # Its script, as operators start it: run with `-m` it would look for Python's own modules in its folder.
    script = (str(Path(sys.executable).with_name("gunicorn")),)
    with running_server(tmp_path, gunicorn=script, ENV_FILE=str(env_file), RAGSITE_START_CHECKED="") as server:
        assert status_of_question(server) != 400
        first = psutil.Process(server.process.pid)
        load = Load(server.url)
        env_file.write_text("QUESTION_MAX_CHARS=10\n")
        server.process.send_signal(signal.SIGUSR2)
        second = second_master(server)
        try:
            server.terminate()
            assert eventually_stops(first), server.log.read_text()
            served = load.outcomes["200"]
            assert status_of_question(server) == 400, "the settings are the new ones"
            give_up_at = time.monotonic() + 30
            while load.outcomes["200"] < served + 20 and time.monotonic() < give_up_at:
                time.sleep(0.05)
            outcomes = load.stop()
            assert set(outcomes) == {"200"}, outcomes
            assert outcomes["200"] >= served + 20
        finally:
            second.terminate()
            assert eventually_stops(second)


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.django_db(transaction=True)
def test_new_workers_replace_the_old_ones_and_nobody_is_refused(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        old = psutil.Process(server.process.pid).children()
        load = Load(server.url)
        server.process.send_signal(signal.SIGHUP)
        assert old, "no worker"
        assert all(eventually_stops(worker) for worker in old), server.log.read_text()
        assert set(load.stop()) == {"200"}
        assert requests.get(f"{server.url}/health/live", timeout=20).status_code == 200  # by a new one
