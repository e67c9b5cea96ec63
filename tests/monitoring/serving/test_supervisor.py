"""The process tree: children are restarted, and nothing is left when it stops."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from monitoring.serving import supervisor as serving_supervisor
from monitoring.serving.supervisor import Child, Supervisor
from ragsite.paths import PROJECT

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        if condition():
            return True
        time.sleep(0.05)
    return False


def run_in_background(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Thread, list[int]]:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # only a main thread may set handlers
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    return thread, codes


def test_a_child_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_supervisor, "RESTART_WAIT_SECONDS", (0.0,))
    child = Child("sleeper", SLEEP)
    supervisor = Supervisor([child], dict(os.environ))
    thread, codes = run_in_background(supervisor, monkeypatch)
    assert eventually(lambda: child.is_running)
    first = child.process
    assert first is not None
    time.sleep(1.1)  # it lived longer than a failed start would
    first.kill()
    assert eventually(lambda: child.is_running and child.process is not first)
    supervisor.stopping = True
    thread.join()
    assert codes == [0]
    assert not child.is_running


def test_a_child_gets_what_is_its_own_besides(tmp_path: Path) -> None:
    written = tmp_path / "written"
    script = f"import os; open({str(written)!r}, 'w').write(os.environ['A'] + os.environ['B'])"
    child = Child("own", [sys.executable, "-c", script], lambda given: {"A": "own", "B": "own", **given})
    child.start({**os.environ, "B": "given"})
    assert child.process is not None
    assert child.process.wait(timeout=60) == 0
    assert written.read_text() == "owngiven"


def test_a_child_that_cannot_start_ends_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    healthy, broken = Child("sleeper", SLEEP), Child("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    # Slow machines: whatever the start costs, an exit without any stable time counts as one that never worked.
    thread, codes = run_in_background(Supervisor([healthy, broken], dict(os.environ)), monkeypatch)
    thread.join(timeout=60)
    assert codes == [1]
    assert not healthy.is_running


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, django; django.setup()\n"
        "from monitoring.serving.supervisor import Child, Supervisor\n"
        f"child = Child('sleeper', {SLEEP!r})\n"
        "Supervisor([child], dict(os.environ)).run(lambda: print(child.process.pid, flush=True))\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings"},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.communicate()
    assert eventually(lambda: not psutil.pid_exists(pid))


def test_a_taken_port_is_noticed() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is in use" in str(serving_supervisor.why_not_listening("127.0.0.1", port))
    assert serving_supervisor.why_not_listening("127.0.0.1", port) is None


def test_an_address_of_another_machine_is_not_called_a_taken_port() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        assert f"HOST is {host!r}" in str(serving_supervisor.why_not_listening(host, 8000))


def test_it_is_seen_when_the_server_answers() -> None:
    class Alive(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/live" else 503)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Alive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        try:
            assert serving_supervisor.wait_until_it_answers("127.0.0.1", port, "/health/live", seconds=20)
            assert not serving_supervisor.wait_until_it_answers("127.0.0.1", port, "/other", seconds=0.3)
        finally:
            server.shutdown()
            thread.join()
    assert not serving_supervisor.wait_until_it_answers("127.0.0.1", port, "/health/live", seconds=0.3)


def test_what_stays_in_memory_imports_no_django() -> None:
    code = "import sys, monitoring.serving.process_tree; print({'django', 'numpy', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_children_share_a_folder_for_metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    environment = serving_supervisor.children_environment(tmp_path, PORT="1")
    assert environment["PORT"] == "1"
    assert list(Path(environment["PROMETHEUS_MULTIPROC_DIR"]).iterdir()) == []


def test_commands_of_the_children() -> None:
    assert "gunicorn" in serving_supervisor.web_child().command
    assert [child.name for child in serving_supervisor.ingest_children(2)] == ["ingest-1", "ingest-2"]
