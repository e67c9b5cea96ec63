"""Servers and clients that are gone after their test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from ragsite.deadline import Deadline
from ragsite.ollama import OllamaClient
from ragsite.ollama.values import Finished, Tick, Token

from .scripted import ScriptedOllama
from .watched import Watched


@pytest.fixture(autouse=True)
def patient_times(settings: Settings) -> None:
    """A server in the same process stands still when the machine does: what should come is waited for."""
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 10.0
    settings.OLLAMA_TOKEN_TIMEOUT_SECONDS = 10.0
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 10.0
    settings.STREAM_HEARTBEAT_SECONDS = 0.1


@pytest.fixture
def short_times(patient_times: None, settings: Settings) -> None:
    """For a test in which nothing comes, and that is what it is about."""
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 0.5
    settings.OLLAMA_TOKEN_TIMEOUT_SECONDS = 0.5
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 0.5


@pytest.fixture
def make_server() -> Iterator[Callable[..., ScriptedOllama]]:
    made: list[ScriptedOllama] = []

    def make(port: int = 0) -> ScriptedOllama:
        made.append(ScriptedOllama(port))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def server(make_server: Callable[..., ScriptedOllama]) -> ScriptedOllama:
    return make_server()


@pytest.fixture
def make_client() -> Iterator[Callable[..., OllamaClient]]:
    made: list[OllamaClient] = []

    def make(*servers: ScriptedOllama | str, redis_url: str = "") -> OllamaClient:
        urls = [server if isinstance(server, str) else server.url for server in servers]
        made.append(OllamaClient(urls, redis_url))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(server: ScriptedOllama, make_client: Callable[..., OllamaClient]) -> OllamaClient:
    return make_client(server)


def ask(client: OllamaClient, *, seconds: float = 10.0, model: str = "m", content: str = "Is all well?") -> Any:
    """Return the iterator over an answer."""
    messages = [{"role": "user", "content": content}]
    return client.generate(model, messages, options={"temperature": 0.1}, deadline=Deadline.after(seconds))


def next_of(stream: Any) -> Any:
    """Return the next item of an answer that is no tick: on a busy machine some may come before it."""
    return next(item for item in stream if not isinstance(item, Tick))


def read(client: OllamaClient, **options: Any) -> tuple[str, Finished]:
    """Return text and end of a complete answer."""
    items = list(ask(client, **options))
    assert isinstance(items[-1], Finished)
    return "".join(item.text for item in items if isinstance(item, Token)), items[-1]


def read_in_two(client: OllamaClient, came: threading.Event) -> list[str]:
    """Return the pieces of an answer, telling the server when the first has come: the second may come now."""
    pieces = []
    for item in ask(client):
        if isinstance(item, Token):
            pieces.append(item.text)
            came.set()
    return pieces


def embed(client: OllamaClient, *texts: str, seconds: float = 10.0, **options: Any) -> list[list[float]]:
    return client.embed("m", list(texts) or ["a text"], deadline=Deadline.after(seconds), **options)


@pytest.fixture
def watched(settings: Settings) -> Watched:
    settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS = 30.0
    return Watched()
