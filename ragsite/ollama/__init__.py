"""Client of Ollama: embeddings and streamed answers from one or more model servers. Knows nothing of documents."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

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
from ragsite.process_memory import on_reset

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
    "close_client",
    "configured",
    "get_client",
    "on_new_client",
]

logger = logging.getLogger(__name__)


class _Current:
    """The client of this process, made on first use."""

    lock = threading.Lock()
    client: OllamaClient | None = None
    made_of: tuple[tuple[str, ...], str] | None = None

    def forget(self) -> None:
        """Drop the client in a child process: sockets and locks must not be shared with the parent."""
        self.lock, self.client, self.made_of = threading.Lock(), None, None


_current = _Current()
_callbacks: list[Callable[[OllamaClient], None]] = []
os.register_at_fork(after_in_child=_current.forget)


def configured() -> bool:
    """Return whether there is an Ollama to talk to."""
    return any(url.strip() for url in settings.OLLAMA_BASE_URLS)


def get_client() -> OllamaClient:
    """Return this process's client; a new one when the addresses in the settings have changed.

    Raises OllamaMisconfigured when one of them is no address.
    """
    made_of = (tuple(settings.OLLAMA_BASE_URLS), settings.REDIS_URL)
    with _current.lock:
        client = _current.client
        if client is not None and _current.made_of == made_of:
            return client
        if client is not None:
            client.close()
        client = _current.client = OllamaClient(*made_of)
        _current.made_of = made_of
    for callback in _callbacks:
        try:
            callback(client)
        except Exception:
            logger.exception("a callback for a new client failed")
    return client


def close_client() -> None:
    """Close this process's client, if there is one: its connections and the threads that look after its servers."""
    with _current.lock:
        client = _current.client
        _current.client = _current.made_of = None
    if client is not None:
        client.close()


on_reset(close_client)


def on_new_client(callback: Callable[[OllamaClient], None]) -> None:
    """Call `callback` with every client that this process makes from now on, in the thread that makes it.

    A process makes its client when it first needs one: not at import, and after a fork one of its own.
    """
    _callbacks.append(callback)
