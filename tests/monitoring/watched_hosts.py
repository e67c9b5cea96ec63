"""What tests of circuits need: a stand-in that can die, a client of it, and a watch that looks when it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from monitoring.circuits import watcher as circuits_watcher
from monitoring.circuits.watcher import CircuitWatch
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.deadline import Deadline
from ragsite.errors import OllamaError
from ragsite.ollama import OllamaClient, get_client

EMBEDDER = "nomic-embed-text"


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    """A running stand-in, which the settings name."""
    with StandIn([EMBEDDER]) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS = 0.5
        yield server


@pytest.fixture
def second(standin: StandIn, settings: Settings) -> Iterator[StandIn]:
    """One more, which is asked when the first isn't."""
    with StandIn([EMBEDDER]) as server:
        settings.OLLAMA_BASE_URLS = [standin.url, server.url]
        yield server


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[CircuitWatch]:
    """This process' watch, new and without a client; its thread ends with the test."""
    watch = CircuitWatch()
    monkeypatch.setattr(circuits_watcher._current, "watch", watch)
    yield watch
    watch.stop()


def embed(client: OllamaClient | None = None) -> bool:
    """Ask the model server; return whether it answered."""
    try:
        (client or get_client()).embed(EMBEDDER, ["a text"], deadline=Deadline.after(20))
    except OllamaError as error:
        print(f"no vector: {error!r}")  # why, for whoever expected one
        return False
    return True


def embeds_of(standin: StandIn) -> int:
    """Return how many texts the stand-in was asked to embed."""
    return len(standin.requests("embed"))


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float = 20.0) -> None:
    """Wait for what another thread or process does."""
    give_up_at = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def unsuspecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a second look at a host that refused: its circuits open after five failures, and not before."""
    monkeypatch.setattr("ragsite.ollama.host.Host._confirm_unreachable", lambda host: None)
