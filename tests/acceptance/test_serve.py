"""`serve --prepare` on a machine that has nothing: from the first start to an answer, and nothing left after Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from ragsite.paths import PROJECT

OURS = ("DATABASE_", "OLLAMA_", "REDIS_", "SECRET_", "ADMIN_", "PROMETHEUS_", "RAGSITE_")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A running `serve`, its output and its processes."""

    def __init__(self, folder: Path, port: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment |= {"VAR_DIR": str(folder), "PORT": str(port), "ENV_FILE": str(folder / "none")}
        self.url = f"http://127.0.0.1:{port}"
        self.output = folder.parent / f"serve-{port}-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--prepare"],
                cwd=PROJECT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self, seconds: float = 100) -> str:
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at and self.process.poll() is None:
            if "Ask at" in self.output.read_text():
                return self.output.read_text()
            time.sleep(0.1)
        raise AssertionError(f"serve did not get ready: {self.output.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    for process in processes_of(tmp_path):  # a failed test must not leave a server behind
        process.kill()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that were started for this folder: by their environment or their arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return [process for process in found if process.pid != os.getpid()]


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        if condition():
            return True
        time.sleep(0.1)
    return False


def postmaster(folder: Path) -> int:
    """Return the process of the embedded Postgres; 0: there is none."""
    try:
        return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return 0


def memory_megabytes(folder: Path) -> float:
    """Return what all processes of this folder hold, each page that they share counted once."""
    owners = [*processes_of(folder), psutil.Process(postmaster(folder))]
    all_of_them = {each.pid: each for owner in owners for each in [owner, *owner.children(recursive=True)]}
    found = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in all_of_them]
    return sum(int(re.findall(r"(?m)^Pss: +(\d+) kB", text)[0]) for text in found) / 1024


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_nothing_to_a_cited_answer_and_back_to_nothing(folder: Path) -> None:
    served = Served(folder, free_port())
    output = served.wait_until_ready()
    assert re.search(r"Administrator: admin, password: \S{12,}", output)
    assert requests.get(f"{served.url}/", timeout=10).status_code == 200
    assert requests.get(f"{served.url}/health/ready", timeout=10).json()["ready"] is True
    asked = {"query": "What happens when the model server is down?", "corpora": ["ragsite-docs"]}
    answer = requests.post(f"{served.url}/api/v1/query", json=asked, timeout=30).json()
    assert answer["answer_mode"] == "extractive"
    assert answer["citations"], answer
    assert served.stop() == 0
    assert processes_of(folder) == []

    again = Served(folder, free_port())
    output = again.wait_until_ready()
    assert memory_megabytes(folder) <= 300
    assert "password" not in output, "it is shown once"
    assert " 0 indexed" in output, "data is kept"
    for question in ("How is a cached answer kept?", "Which files are read?", "What does a start refuse?"):
        assert requests.post(f"{again.url}/api/v1/query", json={"query": question}, timeout=30).status_code == 200
    assert memory_megabytes(folder) <= 400
    second = Served(folder, free_port())
    assert second.process.wait(timeout=60) == 1
    assert f"Another server uses {folder}: process {again.process.pid} on " in second.output.read_text()
    assert requests.get(f"{again.url}/health/ready", timeout=10).json()["ready"] is True, "the second one did harm"

    killed = postmaster(folder)
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: postmaster(folder) not in {0, killed})
    assert eventually(lambda: requests.get(f"{again.url}/health/ready", timeout=10).status_code == 200)
    again.process.kill()
    again.process.wait()
    assert eventually(lambda: not processes_of(folder)), processes_of(folder)


def test_a_taken_port_is_said_in_words(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        served = Served(folder, taken.getsockname()[1])
        assert served.process.wait(timeout=60) == 1
    assert "is in use" in served.output.read_text()
