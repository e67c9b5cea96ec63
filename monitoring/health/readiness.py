"""Readiness of this process for requests. Postgres is required; other services are waited for after the start.

A server that starts together with Redis and a model server is ready when they are. After FIRST_LOOK_SECONDS, or once a
service has answered, the server stays ready without it, because it still answers questions then.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.db import DatabaseError

from monitoring.health.services import Service, check_postgres, check_redis, check_static_files, has_administrator
from ragsite import ollama
from ragsite.errors import OllamaError

FIRST_LOOK_SECONDS = 60.0  # after the start of this process
PROBE_SECONDS = 0.5  # that a reply waits for a model server; what takes longer is known at the next one


class FirstLook:
    """The optional services that have answered at least once since this process started."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._seen: set[str] = set()
        self._probe: threading.Thread | None = None

    def missing(self) -> dict[str, Service]:
        """Return the services that are still waited for."""
        if time.monotonic() - self._started_at > FIRST_LOOK_SECONDS:
            return {}
        looks = {"redis": check_redis, "ollama": self._look_for_ollama}
        found = {name: look() for name, look in looks.items() if name not in self._seen}
        self._seen |= {name for name, service in found.items() if service.healthy}
        return {name: service for name, service in found.items() if not service.healthy}

    def has_seen_administrator(self) -> bool:
        """Return whether an administrator has been seen; True while the database can't tell."""
        if "administrator" not in self._seen:
            try:
                if not has_administrator():
                    return False
            except DatabaseError:
                return True
            self._seen.add("administrator")
        return True

    def _look_for_ollama(self) -> Service:
        """Return whether a model server has listed its models; probed in a thread, and not counted by a circuit."""
        if not ollama.configured():
            return Service(True, "Not configured.")
        try:
            client = ollama.get_client()
        except OllamaError as exc:
            return Service(False, exc.message)
        if not _has_answered(client):
            if self._probe is None or not self._probe.is_alive():
                self._probe = threading.Thread(target=client.probe_now, name="first-look", daemon=True)
                self._probe.start()
            self._probe.join(PROBE_SECONDS)
        if _has_answered(client):
            return Service(True, "Operational")
        return Service(False, "No model server has answered yet.")


first_look = FirstLook()


def readiness() -> tuple[bool, dict[str, Any]]:
    """Return whether this process should get requests, and why not."""
    services = {
        "postgres": check_postgres(with_migrations=True),
        "static_files": check_static_files(),
        **first_look.missing(),
    }
    ready = all(service.healthy for service in services.values())
    report: dict[str, Any] = {"ready": ready, "services": {name: each.as_dict() for name, each in services.items()}}
    if ready and not first_look.has_seen_administrator():
        report["warnings"] = ["There is no administrator; run `manage.py prepare`."]
    return ready, report


def _has_answered(client: ollama.OllamaClient) -> bool:
    return any(state.models is not None for state in client.states())
