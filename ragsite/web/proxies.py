"""Whether something stands between this server and those who ask: then addresses say nothing of who they are."""

from __future__ import annotations

from collections.abc import Collection

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def speaks_of_proxy(*, https: bool, num_proxies: int, trusted_origins: Collection[str], hosts: Collection[str]) -> bool:
    """Return whether settings speak of one: of TLS, of addresses that it forwards, or of names in the world."""
    return bool(https or num_proxies or trusted_origins or set(hosts) - LOCAL_NAMES)
