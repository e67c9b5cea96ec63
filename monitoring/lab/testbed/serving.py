"""Runs the server of a drill: gunicorn with its real configuration, on the stage's database."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.parser import text_string_to_metric_families

from monitoring.lab.testbed.web_process import WebProcess, free_port
from monitoring.serving import web_server

LOOKS = 12  # each on a new connection: enough to meet every worker


class ServerProcess(WebProcess):
    """A running server. Its address stays the same until the `with` block ends."""

    ready_path = "/health/live"

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        port = free_port()
        super().__init__(folder / f"server-{port}.log", port)
        self._environment = {
            **environment,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }

    def command(self) -> Sequence[str]:
        """Return the command of the process."""
        return web_server.command()

    def environment(self) -> Mapping[str, str]:
        """Return what it is run with."""
        return web_server.environment(self._environment)

    @property
    def workers(self) -> list[psutil.Process]:
        """Return the worker processes, the oldest first."""
        return sorted(psutil.Process(self.process.pid).children(), key=lambda child: (child.create_time(), child.pid))

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


def clean_environment() -> dict[str, str]:
    """Return the environment of this process without any setting of ragsite: a drill is the same everywhere."""
    kept = ("PATH", "HOME", "USER", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith(("LC_", "LANG", "PYTHON"))
    }
