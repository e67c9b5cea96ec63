"""Connections of a web worker that no thread has, and the event that the main loop waits for on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from selectors import BaseSelector
from typing import Any

from ragsite.web.worker.connection import Connection


class WaitingConnections:
    """Those that are waited for. The one that has been waited for longest is the first."""

    def __init__(self) -> None:
        self._found: dict[Connection, None] = {}
        self.held_bytes = 0  # of unfinished requests, in memory

    def watch(self, connection: Connection, event: int, poller: BaseSelector, callback: Callable[[Any], None]) -> None:
        """Have `callback` called when something happens on a connection; once watched, it stays so."""
        self._hold(connection, len(connection.framing.data))
        if not connection.is_watched:
            poller.register(connection.sock, event, callback)
            connection.is_watched = True
            self._found[connection] = None

    def keep(self, connection: Connection) -> None:
        """Wait with a connection on which nothing is to happen."""
        self._found[connection] = None
        self._hold(connection, len(connection.framing.data))

    def forget(self, connection: Connection, poller: BaseSelector) -> None:
        """Wait for nothing on a connection."""
        if connection.is_watched:
            poller.unregister(connection.sock)
            connection.is_watched = False
        self._found.pop(connection, None)
        self._hold(connection, 0)

    def longest(self) -> Connection | None:
        """Return the one that has been waited for longest."""
        return next(iter(self._found), None)

    def all(self) -> list[Connection]:
        """Return all waiting connections."""
        return list(self._found)

    def _hold(self, connection: Connection, count: int) -> None:
        self.held_bytes += count - connection.held_bytes
        connection.held_bytes = count


class AddressCount:
    """How many connections each address has open. Those of this machine are not counted."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def add(self, client: Any) -> int:
        """Count one more connection of a client's address, and return how many it has now; 0: it isn't counted."""
        group = _group_of_client(client)
        if not group:
            return 0
        self._open[group] += 1
        return self._open[group]

    def remove(self, client: Any) -> None:
        """Count one connection fewer of a client's address."""
        group = _group_of_client(client)
        self._open[group] -= 1
        if self._open[group] <= 0:
            del self._open[group]


def _group_of_client(client: Any) -> str:
    return _group_of(str(client[0])) if isinstance(client, tuple) else ""  # a Unix socket's client has no address


@lru_cache(maxsize=4096)
def _group_of(host: str) -> str:
    """Return whose connections are counted together; empty: they aren't.

    An IPv6 address stands for its network of 64 bits, which is what one customer of a provider has.
    """
    address = ip_address(host.partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ""
    return address.exploded[:19] if address.version == 6 else str(address)
