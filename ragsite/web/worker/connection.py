"""Connection of a web worker: the request that is being received, and how long its client is waited for."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gunicorn.workers.gthread import TConn

from ragsite.web.worker.paced_socket import PacedSocket
from ragsite.web.worker.request_framing import Framing

HEAD_SECONDS = 10.0  # for all headers, from the first byte
LINGER_SECONDS = 2.0  # for a client to read the last reply, before the connection is gone
QUEUE_SECONDS = 20.0  # for a long body until a thread reads it
HEALTH_PATHS = (b"GET /health", b"HEAD /health")


class Waiting(Enum):
    """What the main loop waits for on a connection."""

    NOTHING = "nothing"  # a thread has it
    REQUEST = "request"  # the first byte of one
    HEAD = "headers"
    BODY = "body"
    THREAD = "thread"  # for a long body to be read
    READER = "reader"  # to take the rest of a reply
    END = "end"  # to close the connection after the last reply


@dataclass(frozen=True)
class Refusal:
    """A reply that the main loop gives itself: `reason` is for the metrics, the rest for the client."""

    reason: str
    status: str
    code: str
    detail: str
    retry_after_seconds: int | None = None

    def as_bytes(self) -> bytes:
        """Return the reply, a problem document as the rest of the API's are."""
        status = int(self.status.split(" ")[0])
        title = self.code.replace("_", " ").capitalize()
        problem = {
            "type": f"urn:ragsite:problem:{self.code}",
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": self.code,
        }
        body = json.dumps(problem).encode()
        lines = [
            f"HTTP/1.1 {self.status}",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        if self.retry_after_seconds is not None:
            lines.append(f"Retry-After: {self.retry_after_seconds}")
        return "\r\n".join([*lines, "", ""]).encode() + body


SLOW_HEADERS = Refusal(
    "slow_headers", "408 Request Timeout", "request_too_slow", "The request's headers took too long to arrive."
)
SLOW_BODY = Refusal(
    "slow_body", "408 Request Timeout", "request_too_slow", "The request's body took too long to arrive."
)
HEAD_TOO_LONG = Refusal(
    "headers_too_long",
    "431 Request Header Fields Too Large",
    "headers_too_long",
    "The request's headers are longer than 64 KiB in all; send fewer or shorter ones.",
)
TOO_MANY = Refusal(
    "too_many_of_address",
    "429 Too Many Requests",
    "too_many_connections",
    "Too many connections from your address are open; close some, or use the same one for several requests.",
    5,
)
UPLOADS_FULL = Refusal(
    "long_bodies_wait",
    "503 Service Unavailable",
    "overloaded",
    "The server reads as many uploads as it can; try again after the given number of seconds.",
    5,
)


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's connection, whose requests are collected by the main loop."""

    sock: PacedSocket

    def __init__(self, cfg: Any, sock: PacedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.data_ready = True  # a thread gets it only then
        self.framing = Framing()
        self.waiting = Waiting.REQUEST
        self.since = 0.0  # when it began to be waited for; a point of the monotonic clock
        self.deadline = 0.0  # when it has been waited for long enough
        self.is_watched = False
        self.held_bytes = 0  # of an unfinished request, as the worker has counted them
        self.is_long = False  # a thread reads its body
        self.keeps_alive = False  # when the reply has been taken
        self.drained_bytes = 0

    def init(self) -> None:
        """Give the parser the request that was collected. Called by the thread that answers it."""
        super().init()
        self.parser.unreader.unread(self.framing.take())

    @property
    def is_for_health(self) -> bool:
        """Return whether the request is for a path under /health."""
        return self.framing.data.startswith(HEALTH_PATHS)

    def wait(self, waiting: Waiting, seconds: float) -> None:
        """Note what is waited for from now on, and for how long."""
        self.waiting = waiting
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def keep_pace(self, moved_bytes: int) -> None:
        """Note that the client has sent or taken so much, which gives it more time."""
        pace = self.sock.writing if self.waiting is Waiting.READER else self.sock.reading
        now = time.monotonic()
        pace.waited_seconds += now - self.since
        pace.moved_bytes += moved_bytes
        self.since = now
        self.deadline = now + pace.left_seconds
