"""The real server, gunicorn with its configuration, on the test database."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings
from django.db import connection

from monitoring.lab.testbed.web_process import free_port
from ragsite.config import metrics_files
from ragsite.paths import PROJECT

CONFIGURATION = PROJECT / "monitoring" / "serving" / "gunicorn_conf.py"
START_SECONDS = 90.0  # of a machine that is busy with other tests


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def terminate(self) -> None:
        """Tell it to stop, as a supervisor does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, *, timeout_seconds: float = 30.0) -> int:
        """Wait until it has stopped, and return its exit code."""
        return self.process.wait(timeout_seconds)


@contextmanager
def running_server(
    folder: Path,
    *,
    configuration: Path = CONFIGURATION,
    application: str = "ragsite.wsgi:application",
    environment: Mapping[str, str] = MappingProxyType({}),
    gunicorn: Sequence[str] = (sys.executable, "-m", "gunicorn"),
    **more: str,
) -> Iterator[Server]:
    """Serve the test database until the block ends; one worker, unless the environment says otherwise."""
    _collect_static_files()
    port = free_port()
    log = folder / "server.log"
    defaults = {"WEB_WORKERS": "1", "WEB_THREADS": "48", "MAX_OPEN_STREAMS": "24", "DATABASE_POOL_SIZE": "2"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *gunicorn,
                "-c",
                str(configuration),
                application,
            ],
            cwd=PROJECT,
            env={
                # Without the folder that a test of this process may share metrics in: they would be counted together.
                **{name: value for name, value in os.environ.items() if name != metrics_files.VARIABLE},
                **defaults,
                "RAGSITE_START_CHECKED": "true",  # it costs a second; tests of the start take it out
                "ENV_FILE": "/nowhere",  # not a developer's own settings
                "DATABASE_URL": database_url(),
                "HOST": "127.0.0.1",
                "PORT": str(port),
                "MEDIA_ROOT": str(settings.MEDIA_ROOT),
                **environment,
                **more,
            },
            stdout=output,
            stderr=output,
        )
        server = Server(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait_until_it_answers(server)
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)


@cache
def _collect_static_files() -> None:
    """Make the static files of the pages, once for all tests of this process; others wait, and find them made."""
    code = "import django; django.setup(); from monitoring.serving.first_start import collect_static_files as c; c()"
    with (Path(settings.VAR_DIR) / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings"}
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, check=True, timeout=100)


def _wait_until_it_answers(server: Server) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and server.process.poll() is None:
        try:
            if requests.get(f"{server.url}/health/live", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{server.log.read_text()[-3000:]}")


def database_url() -> str:
    """Return the URL of the test database."""
    parts = urlsplit(settings.DATABASE_URL)
    return str(urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")))
