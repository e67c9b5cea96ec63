"""The server that a drill breaks things around: real gunicorn with its configuration, on the stage's database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOKS = 12  # each on a new connection: enough to meet every worker


class ServerProcess:
    """A running server. Its address stays the same until the `with` block ends."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        metrics = folder / f"metrics-{self.port}"
        metrics.mkdir()
        self._environment = {
            **environment,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "gunicorn", "-c", "ragsite/gunicorn_conf.py", "ragsite.wsgi:application"]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=settings.BASE_DIR,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the master process."""
        assert self._process is not None
        return self._process

    @property
    def workers(self) -> list[psutil.Process]:
        """Return the worker processes, the oldest first."""
        return sorted(psutil.Process(self.process.pid).children(), key=lambda child: (child.create_time(), child.pid))

    def get(self, path: str, *, timeout_seconds: float = 10.0) -> tuple[int, bytes]:
        """Return status and body of a GET on a new connection. Raises OSError."""
        try:
            with urlopen(self.url + path, timeout=timeout_seconds) as reply:  # noqa: S310 - our own address
                return reply.status, reply.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def get_json(self, path: str) -> dict[str, Any]:
        """Return the JSON at `path`, whatever its status."""
        found: dict[str, Any] = json.loads(self.get(path)[1])
        return found

    def circuits(self) -> set[str]:
        """Return the states that /health tells of now; each worker may have its own."""
        return {
            self.get_json("/health")["services"]["ollama"]["circuit_breaker"].get("state", "") for _ in range(LOOKS)
        }

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all workers and all labels but those given."""
        text = self.get("/metrics")[1].decode()
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def pool_in_use(self) -> int:
        """Return how many database connections the busiest worker has given out."""
        return max(int(self.get_json("/api/pool/stats")["in_use"]) for _ in range(LOOKS))

    def memory_bytes(self) -> int:
        """Return the resident memory of the largest worker."""
        return max((int(worker.memory_info().rss) for worker in self.workers), default=0)

    def _wait_until_it_answers(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at and self.process.poll() is None:
            try:
                if self.get("/health/live", timeout_seconds=2)[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-800:]}")

    def _stop(self) -> None:
        process = self.process
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in children:
            if child.is_running():
                child.kill()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """Return the environment of this process without any setting of ragsite: a drill is the same everywhere."""
    kept = ("PATH", "HOME", "USER", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith(("LC_", "LANG", "PYTHON"))
    }
