"""Supervises the process tree of `serve`: starts, restarts and stops the web server and the ingestion workers.

It runs as long as the tree, so it imports no Django: that would cost memory for good.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitoring.serving import web_server
from ragsite.config import metrics_files
from ragsite.paths import PROJECT

logger = logging.getLogger(__name__)

STABLE_SECONDS = 10.0  # a child that ran that long started well; its next restart comes soon
RESTART_WAIT_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
STOP_SECONDS = 100.0  # above gunicorn's graceful_timeout, so that open streams can end
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One child process, with its restarts."""

    name: str
    command: Sequence[str]
    own_environment: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0  # in a row
    next_start_at: float = field(default_factory=time.monotonic)

    def start(self, environment: dict[str, str]) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor only, which stops all in order."""
        self.process = subprocess.Popen(  # noqa: S603 - our own commands, nothing of a user's
            self.command,
            env=self.own_environment(environment),
            cwd=PROJECT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        self.started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps children running until it is told to stop."""

    def __init__(
        self, children: Sequence[Child], environment: dict[str, str], keep_running: Callable[[], object] = bool
    ) -> None:
        self.children = list(children)
        self.keep_running = keep_running  # what else to restart; called in every round
        self.environment = environment
        self.stopping = False

    def run(self, on_start: Callable[[], None] | None = None) -> int:
        """Run until SIGTERM or SIGINT; return the exit code.

        A child that dies is restarted, each time after a longer wait. One that can't even start once ends everything:
        the cause is in its output, and it would not go away.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        for child in self.children:
            child.start(self.environment)
        if on_start is not None:
            on_start()
        exit_code = 0
        while not self.stopping:
            if not all(self._keep_running(child) for child in self.children):
                exit_code = 1
                break
            self.keep_running()
            time.sleep(0.2)
        self._stop()
        return exit_code

    def _on_signal(self, number: int, frame: object) -> None:
        self.stopping = True

    def _keep_running(self, child: Child) -> bool:
        """Restart the child when it is due; return False when it failed at its very start."""
        now = time.monotonic()
        if child.is_running:
            if now - child.started_at > STABLE_SECONDS:
                child.failures = 0
            return True
        if child.process is not None:
            code, child.process = child.process.returncode, None
            lived = now - child.started_at
            logger.warning("%s ended with code %s after %.1f s", child.name, code, lived)
            if child.failures == 0 and lived < 1.0:
                return False
            child.next_start_at = now + RESTART_WAIT_SECONDS[min(child.failures, len(RESTART_WAIT_SECONDS) - 1)]
            child.failures += 1
        if now >= child.next_start_at:
            child.start(self.environment)
        return True

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process is not None and child.is_running]
        for process in running:
            process.terminate()
        give_up_at = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(timeout=max(0.1, give_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def web_child() -> Child:
    """Return the web server as a child."""
    return Child("web", web_server.command(), web_server.environment)


def ingest_children(count: int) -> list[Child]:
    """Return that many ingestion workers."""
    manage = str(PROJECT / "manage.py")
    return [Child(f"ingest-{number}", [sys.executable, manage, "work"]) for number in range(1, count + 1)]


def children_environment(var_dir: Path, **overrides: str) -> dict[str, str]:
    """Return the environment of the children, with a folder for the metrics that they share."""
    metrics_files.share(var_dir)
    return {**os.environ, **overrides}


def why_not_listening(host: str, port: int) -> str | None:
    """Return in a sentence why no server could listen there; None: one could."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return f"Port {port} of {host} is in use. Choose another one: PORT={min(port + 1, 65_535)}."
            if exc.errno == errno.EACCES:
                return f"Port {port} is only for the system's own user. Choose one above 1023: PORT=8000."
            return f"HOST is {host!r}, where this machine can't listen ({exc.strerror}): use 127.0.0.1 or 0.0.0.0."
    return None


def wait_until_it_answers(host: str, port: int, path: str, *, seconds: float) -> bool:
    """Return whether our own server answered 200 there within that time. An HTTP client would cost memory for good."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        try:
            with socket.create_connection((host, port), timeout=2) as connection:
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                if connection.recv(12).endswith(b" 200"):
                    return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def _die_with_parent() -> None:
    """Ask Linux to stop this process when the supervisor is killed; elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
