"""A stand-in for each test, and a plain HTTP client that follows no redirect and hides nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest

from monitoring.lab.ollama_simulator import StandIn

E = "nano-bert"  # an embedding model: 32 dimensions, context 64
G = "nano-llama"  # a generation model: context 256


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def type(self) -> str | None:
        return self.headers.get("content-type")

    @property
    def is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding") == "chunked"


class Wire:
    """Sends requests to a stand-in."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.standin.port, timeout=20)
        with closing(connection):
            return ask_on(connection, method, path, body, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def embed(self, given: Any = "the cat", **more: Any) -> Answer:
        return self.post("/api/embed", {"model": E, "input": given, **more})

    def generate(self, prompt: str = "the cat sat on the mat today", **more: Any) -> Answer:
        return self.post("/api/generate", {"model": G, "prompt": prompt, **more})

    def chat(self, content: str = "the cat sat on the mat today", **more: Any) -> Answer:
        return self.post("/api/chat", {"model": G, "messages": [{"role": "user", "content": content}], **more})

    def raw(self, data: bytes) -> socket.socket:
        """Open a connection and send `data`."""
        own = socket.create_connection(("127.0.0.1", self.standin.port), timeout=20)
        own.sendall(data)
        return own

    def raw_post(self, path: str, body: Any) -> socket.socket:
        text = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x.local\r\nContent-Length: {len(text)}\r\n\r\n"
        return self.raw(head.encode() + text)


def ask_on(connection: HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send one request on an open connection; a dict or list goes as JSON."""
    data = body.encode() if isinstance(body, str) else body
    if data is not None and not isinstance(data, bytes):
        data = json.dumps(body).encode()
    connection.request(
        method, path, body=data, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    reply = connection.getresponse()
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn([E, G]) as running:
        yield running


@pytest.fixture
def wire(standin: StandIn) -> Wire:
    return Wire(standin)
