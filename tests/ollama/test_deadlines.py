"""Whatever a host does, nobody waits past the deadline, and everything that was taken comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from ragsite.errors import OllamaError
from ragsite.ollama import OllamaClient

from .conftest import embed, read
from .scripted import HANG, STREAM_HEAD, ScriptedOllama, Step, always, chunk, reply, token, wait_until

DEADLINE_SECONDS = 0.6
SPARE_SECONDS = 9.0  # this machine may be busy; what is caught here are waits without end


def slowly(data: bytes, pause_seconds: float = 0.05) -> list[Step]:
    return [step for byte in data for step in (bytes([byte]), pause_seconds)]


FAULTS: dict[str, list[Step]] = {
    "accepts and says nothing": [HANG],
    "a head that drips": slowly(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 1\r\n" * 100),
    "a body that drips": [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *slowly(b" " * 1000)],
    "chunks that drip": [STREAM_HEAD, *slowly(chunk(b" ") * 200)],
    "a chunk's size that drips": [STREAM_HEAD, *slowly(b"0" * 1000)],
    "an error that drips": [b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n", *slowly(b" " * 1000)],
    "interim replies without end": slowly(b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "a head, then nothing": [STREAM_HEAD, HANG],
    "half a line, then nothing": [STREAM_HEAD, chunk(b'{"message"'), HANG],
    "tokens without end": [STREAM_HEAD, *(token("a"), 0.05) * 1000],
    "a flood of tokens": [STREAM_HEAD, *[token("a") * 500] * 10_000],
    "a flood of blanks": [STREAM_HEAD, *[chunk(b" " * 60_000)] * 10_000],
    "a flood of empty lines": [STREAM_HEAD, *[chunk(b"\n" * 60_000)] * 10_000],
    "resets": ["reset"],
    "refuses": [reply({"error": "boom"}, 500)],
    "is busy": [reply({"error": "maximum pending requests exceeded"}, 503)],
}


@pytest.mark.parametrize("steps", FAULTS.values(), ids=FAULTS.keys())
def test_no_fault_outlasts_the_deadline(
    steps: list[Step], client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 30.0
    settings.OLLAMA_TOKEN_TIMEOUT_SECONDS = 30.0
    settings.OLLAMA_EMBED_TIMEOUT_SECONDS = 30.0
    server.plays["/api/chat"] = server.plays["/api/embed"] = lambda request: steps
    for call in (lambda: read(client, seconds=DEADLINE_SECONDS), lambda: embed(client, seconds=DEADLINE_SECONDS)):
        started = time.monotonic()
        with pytest.raises(OllamaError):
            call()
        assert time.monotonic() - started < DEADLINE_SECONDS + SPARE_SECONDS
    assert client.states()[0].in_flight == 0
    assert wait_until(lambda: server.active == 0)


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_a_deadline_that_has_passed_asks_nobody(seconds: float, client: OllamaClient, server: ScriptedOllama) -> None:
    for call in (read, embed):
        with pytest.raises(OllamaError):
            call(client, seconds=0.0)
    assert server.connections == 0
    assert client.get_circuit_state()["failure_count"] == 0


def test_a_host_that_drops_every_packet_takes_the_connect_time_and_no_longer(
    make_client: Callable[..., OllamaClient], settings: Settings
) -> None:
    """A listener whose queue is full answers no connection: the same as a firewall that drops."""
    settings.OLLAMA_CONNECT_TIMEOUT_SECONDS = 0.3
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _filler in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
    started = time.monotonic()
    with pytest.raises(OllamaError):
        embed(client)
    assert time.monotonic() - started < 0.3 * 2 + SPARE_SECONDS
    assert client.get_circuit_state("embed")["failure_count"] >= 1
    for closing in [*fillers, listener]:
        closing.close()


def test_faults_leave_no_thread_and_no_file_open(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 0.05

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    read(client)
    before = open_files()
    faults: list[list[Step]] = [[HANG], ["reset"], [STREAM_HEAD, token("a"), "close"], [reply({"error": "x"}, 500)]]
    for steps in faults * 5:
        server.plays["/api/chat"] = always(steps)
        with pytest.raises(OllamaError):
            read(client)
    assert wait_until(lambda: server.active == 0)
    assert wait_until(lambda: open_files() <= before + 2)
    client.close()
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("ollama")]
    assert wait_until(lambda: not any(thread.is_alive() for thread in ours))
