"""Resolves host names within a given time.

The system's resolver takes no timeout: with a dead name server one look-up lasts 5 to 30 s. So it runs in a thread of
its own, at most one per name, and its answers are kept.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from dataclasses import dataclass, field

from ragsite.errors import OllamaUnavailable

KEPT_SECONDS = 300.0


@dataclass
class _Name:
    addresses: list[str] = field(default_factory=list)
    resolved_at: float = float("-inf")
    error: str = ""
    looking: threading.Event | None = None  # set when the look-up that runs now has ended


class Resolver:
    """The addresses of a few names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[tuple[str, int], _Name] = {}

    def resolve(self, host: str, port: int, seconds: float) -> list[str]:
        """Return the IP addresses of `host`, waiting at most `seconds`; old ones while newer are looked up.

        Raises OllamaUnavailable when none were ever known.
        """
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        with self._lock:
            name = self._names.setdefault((host, port), _Name())
            known = list(name.addresses)
            if known and time.monotonic() - name.resolved_at < KEPT_SECONDS:
                return known
            looking = name.looking
            if looking is None:
                looking = name.looking = threading.Event()
                threading.Thread(
                    target=self._look_up, args=(host, port, name, looking), name="ollama-resolver", daemon=True
                ).start()
        if known:
            return known  # nobody waits for a look-up that only confirms what is known
        ended = looking.wait(seconds)
        with self._lock:
            if name.addresses:
                return list(name.addresses)
            why = name.error if ended else "the name server does not answer"
        raise OllamaUnavailable(f"The name of the model server, {host!r}, can't be resolved: {why}.")

    def doubt(self, host: str, port: int) -> None:
        """Look the name up again next time: none of the addresses worked. They stay as the last resort."""
        with self._lock:
            name = self._names.get((host, port))
            if name is not None:
                name.resolved_at = float("-inf")

    def _look_up(self, host: str, port: int, name: _Name, looking: threading.Event) -> None:
        addresses: list[str] = []
        error = ""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        except OSError as problem:
            error = problem.strerror or str(problem)
        with self._lock:
            if addresses:
                name.addresses, name.resolved_at = addresses, time.monotonic()
            name.error, name.looking = error, None
        looking.set()
