"""A model server that does what a test tells it, byte by byte, over real sockets.

A play is a function from a request to steps: bytes to send, seconds to pause, or one of HANG, RESET, CLOSE. While it
pauses it notices a client that hangs up, as Ollama does.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

HANG, RESET, CLOSE = "hang", "reset", "close"
Step = bytes | float | str | threading.Event
Play = Callable[["Request"], Iterable[Step]]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


class _ClientLeft(Exception):
    pass


class ScriptedOllama:
    def __init__(self, port: int = 0) -> None:
        self.plays: dict[str, Play] = {
            "/api/tags": lambda request: [reply({"models": [{"name": "m:latest"}]})],
            "/api/embed": lambda request: [embed_reply(request)],
            "/api/chat": lambda request: answer("All ", "is ", "well."),
        }
        self.requests: list[Request] = []
        self.connections = 0
        self.active = self.most_active = self.clients_left = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=200)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each step is a packet
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while request := _read_request(reader):
                    with self._lock:
                        self.requests.append(request)
                        self.active += 1
                        self.most_active = max(self.most_active, self.active)
                    try:
                        self._perform(connection, self.plays.get(request.path, _not_found)(request))
                    finally:
                        with self._lock:
                            self.active -= 1
        except _ClientLeft:
            with self._lock:
                self.clients_left += 1
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _perform(self, connection: socket.socket, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, bytes):
                try:
                    connection.sendall(step)
                except OSError as error:
                    raise _ClientLeft from error
            elif isinstance(step, threading.Event):
                while not step.is_set():
                    self._pause(connection, 0.01)
            elif step == HANG:
                self._pause(connection, 60.0)
            elif step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise OSError
            elif step == CLOSE:
                raise OSError
            else:
                self._pause(connection, float(step))

    def _pause(self, connection: socket.socket, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            if select.select([connection], [], [], min(left, 0.2))[0]:
                try:
                    if connection.recv(1, socket.MSG_PEEK):
                        time.sleep(min(left, 0.2))
                        continue
                except OSError:
                    pass
                raise _ClientLeft
        if self._stopping.is_set():
            raise OSError


def _not_found(request: Request) -> list[Step]:
    return [reply({}, 404)]


def _read_request(reader: Any) -> Request | None:
    first = reader.readline()
    if not first:
        return None
    method, path, _version = first.decode().split()
    headers = {}
    while (line := reader.readline().strip()) != b"":
        name, _colon, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers, reader.read(int(headers.get("content-length", 0))))


def reply(
    value: Any, status: int = 200, *, content_type: str = "application/json; charset=utf-8", **headers: str
) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def line(value: dict[str, Any]) -> bytes:
    return chunk(json.dumps(value, separators=(",", ":")).encode() + b"\n")


def token(text: str) -> bytes:
    return line({"model": "m", "message": {"role": "assistant", "content": text}, "done": False})


def done(**counters: Any) -> bytes:
    last = {"done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3} | counters
    return line({"model": "m", "message": {"role": "assistant", "content": ""}, "done": True} | last)


def answer(*tokens: str, pause: float = 0.0, **counters: Any) -> list[Step]:
    steps: list[Step] = [STREAM_HEAD]
    for text in tokens:
        steps += [token(text), pause] if pause else [token(text)]
    return [*steps, done(**counters), STREAM_END]


def answer_in_two(first_came: threading.Event, first: str, later: str) -> list[Step]:
    """Return the steps of an answer whose later tokens, a letter each, follow when the reader has the first one.

    Sent one right after the other, a reader who is scheduled late would find them together.
    """
    return [STREAM_HEAD, token(first), first_came, *answer(*later, pause=0.005)[1:]]


def embed_reply(request: Request) -> bytes:
    return reply({"model": "m", "embeddings": [[1.0, 0.5, float(len(text) + 1)] for text in request.json["input"]]})


def always(steps: list[Step]) -> Play:
    """Return the play of a server that does the same for every request."""
    return lambda request: steps


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Return whether `condition` came true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
