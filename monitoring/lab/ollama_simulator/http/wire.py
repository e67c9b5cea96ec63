"""HTTP/1.1 over asyncio, as little of it as a model server needs: one task per request, keep-alive, chunks.

A client that hangs up cancels the task of its request at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from monitoring.lab.ollama_simulator.counting import Gauge
from monitoring.lab.ollama_simulator.http.requests import BadRequest, Request, RequestReader

logger = logging.getLogger(__name__)

CHUNKED_ABOVE_BYTES = 2048  # Go's buffer: a reply that fits has a Content-Length, a longer one comes in chunks
CHUNKED = (("Transfer-Encoding", "chunked"),)
LAST_CHUNK = b"0\r\n\r\n"
JSON_UTF8 = "application/json; charset=utf-8"
MAX_WAITING_BYTES = 300 * 2**20


def as_chunk(data: bytes) -> bytes:
    """Return `data` as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Reply:
    """The reply to one request; what has been sent decides what can still be said."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection = connection
        self._is_head = request.method == "HEAD"
        self._is_old = request.is_http_10
        self.extra_headers: list[tuple[str, str]] = []
        self.status = 0  # 0: nothing was sent yet
        self.ended = False

    @property
    def can_write(self) -> bool:
        """False while the client reads more slowly than we write."""
        return self._connection.can_write

    def send(self, status: int, body: bytes = b"", content_type: str = "", *, chunked: bool = False) -> None:
        """Send a complete reply with its headers."""
        if (chunked or len(body) > CHUNKED_ABOVE_BYTES) and not self._is_old:
            head = self._head(status, content_type, CHUNKED)
            self._connection.write(head if self._is_head else head + as_chunk(body) + LAST_CHUNK)
            self.ended = True
            return
        length = () if status == HTTPStatus.NO_CONTENT else (("Content-Length", str(len(body))),)
        head = self._head(status, content_type, length)
        self._connection.write(head if self._is_head else head + body)
        self.ended = True

    def start(self, status: int, content_type: str) -> None:
        """Send the head of a reply that comes in chunks."""
        self._connection.write(self._head(status, content_type, CHUNKED))

    def write_raw(self, chunks: bytes) -> None:
        """Send chunks that are already encoded."""
        if not self._is_head:
            self._connection.write(chunks)

    def end(self) -> None:
        """Send the last chunk of the reply."""
        self.write_raw(LAST_CHUNK)
        self.ended = True

    def send_unframed(self, data: bytes) -> None:
        """Send bytes as they are, for faults."""
        self.status = self.status or -1
        self._connection.write(data)

    def cut(self) -> None:
        """Close the connection, whatever is missing."""
        self._connection.close()

    def reset(self) -> None:
        """Reset the connection: the client gets "connection reset by peer"."""
        self._connection.reset()

    def _head(self, status: int, content_type: str, more: tuple[tuple[str, str], ...]) -> bytes:
        self.status = status
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"{name}: {value}" for name, value in (*more, *self.extra_headers)]
        if not self._connection.keeps_alive:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(
        self, answer: Callable[[Request, Reply], Awaitable[None]], open_connections: set[Connection], gauge: Gauge
    ) -> None:
        self._answer = answer
        self._open = open_connections
        self._gauge = gauge
        self._reader = RequestReader()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.can_write = True
        self.keeps_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for replies."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)
        self._gauge.up()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; start the request when it is whole and none is running."""
        self._reader.feed(data)
        if self._reader.waiting_bytes > MAX_WAITING_BYTES:
            self.reset()
        elif self._task is None:
            self._start_next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what was being done for this client."""
        self._open.discard(self)
        self._gauge.down()
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Called by asyncio: the client does not read."""
        self.can_write = False

    def resume_writing(self) -> None:
        """Called by asyncio: the client reads again."""
        self.can_write = True

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens when the client is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close after what is written."""
        self.keeps_alive = False
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Close at once with a reset."""
        if self._transport is not None:
            own_socket = self._transport.get_extra_info("socket")
            own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _start_next(self) -> None:
        try:
            request = self._reader.next()
        except BadRequest as error:
            self.write(str(error).encode())
            self.close()
            return
        if self._reader.wants_continue:
            self._reader.wants_continue = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request is not None:
            self._task = asyncio.get_running_loop().create_task(self._run(request))

    async def _run(self, request: Request) -> None:
        self.keeps_alive = request.keeps_alive
        reply = Reply(self, request)
        try:
            await self._answer(request, reply)
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("The stand-in failed on %s %s", request.method, request.path)
            self.reset()
        self._task = None
        if not reply.ended or not self.keeps_alive:
            self.close()
        else:
            self._start_next()
