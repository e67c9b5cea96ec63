"""How to talk to Ollama, and nothing about documents."""

from __future__ import annotations

import os
import threading

from django.conf import settings

from ragsite.ollama.client import OllamaClient
from ragsite.ollama.values import (
    BreakerChange,
    Finished,
    HostState,
    Lane,
    ModelInfo,
    Operation,
    Tick,
    Token,
)

__all__ = [
    "BreakerChange",
    "Finished",
    "HostState",
    "Lane",
    "ModelInfo",
    "OllamaClient",
    "Operation",
    "Tick",
    "Token",
    "configured",
    "get_client",
]


class _Current:
    """The client of this process."""

    lock = threading.Lock()
    client: OllamaClient | None = None
    made_of: tuple[tuple[str, ...], str] | None = None

    def forget(self) -> None:
        """Start afresh in a child process: a socket or a lock that two processes share serves neither."""
        self.lock, self.client, self.made_of = threading.Lock(), None, None


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def configured() -> bool:
    """Return whether there is an Ollama to talk to."""
    return any(url.strip() for url in settings.OLLAMA_BASE_URLS)


def get_client() -> OllamaClient:
    """Return this process's client, made anew when the addresses in the settings have changed.

    Raises OllamaMisconfigured when one of them is no address.
    """
    made_of = (tuple(settings.OLLAMA_BASE_URLS), settings.REDIS_URL)
    with _current.lock:
        if _current.client is None or _current.made_of != made_of:
            if _current.client is not None:
                _current.client.close()
            _current.client, _current.made_of = OllamaClient(*made_of), made_of
        return _current.client
