"""Real worker processes on the test database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from ragsite.paths import PROJECT

STALLED_SECONDS = 1.0
DEFAULTS = {
    "WORKER_HEARTBEAT_SECONDS": "0.2",
    "WORKER_STALLED_SECONDS": str(STALLED_SECONDS),
    "OLLAMA_EMBED_BATCH_SIZE": "8",  # 16 chunks are a batch
}


def start_command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `manage.py` with these arguments on the test database."""
    return subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env={**os.environ, **DEFAULTS, "DATABASE_URL": _url(), "MEDIA_ROOT": str(settings.MEDIA_ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_worker(**environment: str) -> int:
    """Run a worker until nothing waits or it dies, and return its exit code."""
    return end(start_command("work", "--until-idle", **environment))


def end(process: subprocess.Popen[str], *, timeout_seconds: float = 60.0) -> int:
    """Wait for a process, and return its exit code."""
    try:
        process.communicate(timeout=timeout_seconds)
    finally:
        process.kill()
    return process.returncode


def let_its_heart_stop() -> None:
    """Wait until a killed worker counts as dead."""
    time.sleep(STALLED_SECONDS + 0.1)


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    give_up_at = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


def is_stopped(process: subprocess.Popen[str]) -> bool:
    """Return whether a process was stopped by SIGSTOP."""
    state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a stopped process run again."""
    process.send_signal(signal.SIGCONT)


def _url() -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
