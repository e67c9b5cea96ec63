"""Tells from the settings whether a proxy is in front of this server; then addresses do not identify clients."""

from __future__ import annotations

from collections.abc import Collection

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def speaks_of_proxy(*, https: bool, num_proxies: int, trusted_origins: Collection[str], hosts: Collection[str]) -> bool:
    """Return whether settings speak of one: of TLS, of addresses that it forwards, or of names in the world."""
    return bool(https or num_proxies or trusted_origins or set(hosts) - LOCAL_NAMES)
